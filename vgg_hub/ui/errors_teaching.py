"""What can be wrong in teaching, and what a report says: Korean, by the English where it is raised."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["TEACHING_IN_KOREAN"]

TEACHING_IN_KOREAN: MappingProxyType[str, str] = MappingProxyType(
    {
        # Class names
        "The class names are one text, {given!r}; expected a list of names.": (
            "부류 이름이 글 하나({given!r})로 왔습니다. 이름의 목록이어야 합니다."
        ),
        "The class names are {given!r:.40}; expected a list of names.": (
            "부류 이름이 {given!r:.40}입니다. 이름의 목록이어야 합니다."
        ),
        "Class name {position} is {label!r:.60}; expected text.": (
            "{position}번째 부류 이름이 {label!r:.60}입니다. 글이어야 합니다."
        ),
        "Class name {position} is empty; give each class a name.": (
            "{position}번째 부류 이름이 비어 있습니다. 부류마다 이름을 적으세요."
        ),
        "Class name {position} has {length} characters; the limit is {most}: shorten it.": (
            "{position}번째 부류 이름이 {length}자입니다. 한도는 {most}자이니 줄이세요."
        ),
        "Class name {position}, {name!r}, holds {bad!r}; leave out slashes, angle brackets, control characters and "
        "invisible ones.": (
            "{position}번째 부류 이름 {name!r}에 {bad!r}이(가) 들어 있습니다. 빗금, 꺾쇠, 제어 문자, 보이지 않는 "
            "문자는 빼세요."
        ),
        "Class name {position} is no text in this system's encoding: rename it, or, if it is UTF-8, set PYTHONUTF8=1.": (
            "{position}번째 부류 이름이 이 시스템의 인코딩으로는 글이 아닙니다. 이름을 바꾸거나, UTF-8이면 PYTHONUTF8=1을 "
            "설정하세요."
        ),
        "Class name {position} is {name!r}, which names a folder; choose another name.": (
            "{position}번째 부류 이름 {name!r}은(는) 폴더를 뜻합니다. 다른 이름을 고르세요."
        ),
        "Two classes have the same name, {name!r}; give each class its own name.": (
            "두 부류의 이름이 {name!r}(으)로 같습니다. 부류마다 다른 이름을 적으세요."
        ),
        # The photos of a task
        "There is only one class; give photos of two classes or more.": (
            "부류가 하나뿐입니다. 두 부류 이상의 사진을 넣으세요."
        ),
        "There is no class; give photos of two classes or more.": "부류가 없습니다. 두 부류 이상의 사진을 넣으세요.",
        "Class {label!r} has {found} that can be used; give each class at least {least}, better ten.": (
            "부류 {label!r}에서 쓸 수 있는 것은 {found}입니다. 부류마다 적어도 {least}장, 되도록 열 장을 넣으세요."
        ),
        "Class {label!r} has {found} that can be used; give each class at least {least}, better ten. {why}": (
            "부류 {label!r}에서 쓸 수 있는 것은 {found}입니다. 부류마다 적어도 {least}장, 되도록 열 장을 넣으세요. "
            "{why}"
        ),
        "{file} is in both {first} and {second}; it was left out of training and of the estimate.": (
            "{file}은(는) {first}에도 {second}에도 있어서 학습과 정답률 계산에서 모두 뺐습니다."
        ),
        "{file} is the same photo as {first}; it was used once.": (
            "{file}은(는) {first}와(과) 같은 사진이라 한 번만 썼습니다."
        ),
        "{file}: {problem}": "{file}: {problem}",
        "photos is a {kind}; expected class names, each with a list of its photos.": (
            "photos가 {kind}입니다. 부류 이름마다 사진의 목록이 있어야 합니다."
        ),
        "The photos of {label!r} are a {kind}; expected a list of pictures.": (
            "{label!r}의 사진이 {kind}입니다. 사진의 목록이어야 합니다."
        ),
        # Teaching
        "trainable is {given!r:.40}; expected {names} or {last}.": (
            "trainable 값이 {given!r:.40}입니다. {names}, {last} 가운데 하나여야 합니다."
        ),
        "seed is {given!r:.40}; expected a whole number from 0 to 2^63 - 1.": (
            "seed 값이 {given!r:.40}입니다. 0에서 2^63 - 1까지의 정수여야 합니다."
        ),
        "Stopped before the first step: there is nothing to keep, and nothing was changed.": (
            "첫 단계 전에 멈추었습니다. 남길 것이 없고 바뀐 것도 없습니다."
        ),
        "The device has not enough memory to train on a single photo; use device cpu, train less (head), or start from a "
        "smaller net.": (
            "장치의 메모리가 사진 한 장을 학습하기에도 모자랍니다. 장치로 cpu를 쓰거나, 학습할 부분을 "
            "줄이거나(마지막 층), 더 작은 신경망에서 시작하세요."
        ),
        "The cache needs {size:.1f} GB in {folder}, which has no room for it ({reason}); make room, point TMPDIR to a "
        "larger disk, or train less (head).": (
            "캐시에 {size:.1f} GB가 필요한데 {folder}에 자리가 없습니다({reason}). 자리를 비우거나, TMPDIR을 더 큰 "
            "디스크로 바꾸거나, 학습할 부분을 줄이세요(마지막 층)."
        ),
        "A fine-tuning of yours is under way; wait for it to end, or stop it, then start anew.": (
            "이미 가르치는 중입니다. 끝나기를 기다리거나 멈춘 뒤에 다시 시작하세요."
        ),
        "An upload of yours is under way; wait for it to end, then start anew.": (
            "이미 올리는 중입니다. 끝난 뒤에 다시 시작하세요."
        ),
        "A comparison of yours is under way; wait for it to end, or stop it, then start anew.": (
            "이미 비교하는 중입니다. 끝나기를 기다리거나 멈춘 뒤에 다시 시작하세요."
        ),
        "The nets are {nets}; name one or more, each once.": (
            "비교할 신경망이 {nets}입니다. 하나 이상을 한 번씩만 적으세요."
        ),
        # What a report says
        "Training more than the head did not help on photos it had not seen, so only the head was changed.": (
            "마지막 층보다 많이 학습해도 보지 못한 사진에서 나아지지 않아 마지막 층만 바꾸었습니다."
        ),
        "random weights": "무작위 가중치",
        "{folds}-fold stratified cross-validation": "부류별로 고르게 나눈 {folds}겹 교차 검증",
        "{method}, repeated {repeats} times and averaged": "{method}, {repeats}번 되풀이해 평균",
        "{folds}-fold stratified cross-validation, each fold ended where the others were best": (
            "부류별로 고르게 나눈 {folds}겹 교차 검증, 겹마다 다른 겹들이 가장 좋았던 때에 마침"
        ),
        "{method}; photos of one scene count as one": "{method}. 한 장면의 사진은 하나로 셈",
        "{method}; 95 % Clopper-Pearson interval": "{method}. 95 % 클로퍼-피어슨 구간",
        # After it
        "Nothing was taught yet; teach it first, then ask what it looked at.": (
            "아직 가르친 것이 없습니다. 먼저 가르친 뒤에 무엇을 보았는지 물어보세요."
        ),
        "Nothing was taught yet; teach it first, then change photos.": (
            "아직 가르친 것이 없습니다. 먼저 가르친 뒤에 사진을 바꾸세요."
        ),
        "Nothing was taught yet; teach it first, then change photos and teach it again.": (
            "아직 가르친 것이 없습니다. 먼저 가르친 뒤에 사진을 바꾸고 다시 가르치세요."
        ),
        "Nothing was taught yet; fine-tune first, then put the model on the Hub.": (
            "아직 가르친 것이 없습니다. 먼저 가르친 뒤에 허브에 올리세요."
        ),
        "Nothing was taught yet; fine-tune first, then download the model.": (
            "아직 가르친 것이 없습니다. 먼저 가르친 뒤에 모델을 내려받으세요."
        ),
        "That is no button of this page; load the page again.": (
            "이 페이지에 없는 버튼입니다. 페이지를 다시 불러오세요."
        ),
        "That is not in the report any more; load the page again.": (
            "결과에 더는 없는 항목입니다. 페이지를 다시 불러오세요."
        ),
        "That photo is not in the report any more; open the cell of the table again.": (
            "결과에 더는 없는 사진입니다. 표의 칸을 다시 여세요."
        ),
        "That change was taken back already.": "이미 되돌린 변경입니다.",
        # Looking inside
        "{net} has no stage {name!r:.40}; choose one of {names}.": (
            "{net}에 단계 {name!r:.40}이(가) 없습니다. {names} 가운데 하나를 고르세요."
        ),
        "Stage {stage!r} is fully connected and has no places, so it can have no heat map; choose one of {names}.": (
            "단계 {stage!r}은(는) 완전 연결 층이라 위치가 없고 열지도도 없습니다. {names} 가운데 하나를 고르세요."
        ),
        "class_index is {given!r:.40}; expected a whole number from 0 to {last}.": (
            "class_index 값이 {given!r:.40}입니다. 0에서 {last}까지의 정수여야 합니다."
        ),
        "The input holds {count} pictures; explain one at a time, x[i : i + 1].": (
            "사진이 {count}장 들어 있습니다. x[i : i + 1]처럼 한 장씩 설명하게 하세요."
        ),
        # Computing
        "The input has shape {shape}; expected (batch, {channels}, height, width) with height and width of at least "
        "{smallest} pixels.": (
            "입력의 모양이 {shape}입니다. 높이와 너비가 {smallest}픽셀 이상인 (batch, {channels}, 높이, 너비)여야 합니다."
        ),
        "The net's weights were changed since it was made ready; make another Classifier of it.": (
            "준비한 뒤에 신경망의 가중치가 바뀌었습니다. Classifier를 새로 만드세요."
        ),
        "The net's weights or logits are not finite numbers, as a training that diverged leaves them: it answers nothing; "
        "train it again, or fetch it again.": (
            "신경망의 가중치나 로짓에 유한하지 않은 수가 있습니다(학습이 발산하면 이렇게 됩니다). 아무것도 답할 수 없으니 다시 "
            "학습하거나 다시 받으세요."
        ),
    }
)
