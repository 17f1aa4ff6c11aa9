"""What can be wrong at the Hub, and what an upload says on its way: Korean, by the English where it is raised."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["HUB_IN_KOREAN"]

HUB_IN_KOREAN: MappingProxyType[str, str] = MappingProxyType(
    {
        # Signing in
        "You are not signed in, or no longer; sign in with Hugging Face, then try again.": (
            "로그인하지 않았거나 로그인이 끝났습니다. 허깅페이스로 로그인한 뒤에 다시 해 보세요."
        ),
        "Only a browser on the machine that serves this page may use its sign-in; download the zip and push it from your "
        "own machine (`vgg-hub push`).": (
            "이 페이지를 여는 컴퓨터의 로그인은 그 컴퓨터의 브라우저에서만 쓸 수 있습니다. zip을 내려받아 본인 "
            "컴퓨터에서 올리세요(`vgg-hub push`)."
        ),
        "Nobody is signed in on this machine; run `hf auth login` there, then press the button again.": (
            "이 컴퓨터에 로그인되어 있지 않습니다. `hf auth login`을 실행한 뒤에 다시 누르세요."
        ),
        "The Hub did not say who you are; sign in again.": "누구인지 허브가 알려 주지 않았습니다. 다시 로그인하세요.",
        "The token of {name} is for reading only; make one that may write on your settings page at the Hub, sign in with "
        "it, then try again.": (
            "{name}의 토큰은 읽기 전용입니다. 허브의 설정 페이지에서 쓸 수 있는 토큰을 만들어 로그인한 뒤에 다시 해 "
            "보세요."
        ),
        "your sign-in": "로그인",
        # What the Hub answers
        "{repo!r:.120} is not the name of a Hub repo; write it owner/name.": (
            "{repo!r:.120}은(는) 허브 저장소의 이름이 아닙니다. owner/name으로 적으세요."
        ),
        "{repo!r:.120} is not the name of a Hub repo; write letters, digits and dashes in each half.": (
            "{repo!r:.120}은(는) 허브 저장소의 이름이 될 수 없습니다. 양쪽 모두 영문자, 숫자, 줄표로 적으세요."
        ),
        "{repo} is gated: ask for access on its page at the Hub, then sign in (`hf auth login`).": (
            "{repo}은(는) 승인을 받아야 쓸 수 있습니다. 허브의 저장소 페이지에서 요청한 뒤에 로그인하세요(`hf auth "
            "login`)."
        ),
        "The Hub has no {kind} {repo} that you may see; check the name, or sign in if it is private (`hf auth login`).": (
            "허브에 볼 수 있는 {kind} {repo}이(가) 없습니다. 이름을 확인하거나, 비공개라면 로그인하세요(`hf auth "
            "login`)."
        ),
        "model": "모델",
        "{repo} has no revision {revision!r:.60}; give a branch, tag or commit that it has.": (
            "{repo}에 revision {revision!r:.60}이(가) 없습니다. 있는 브랜치, 태그, 커밋 가운데 하나를 적으세요."
        ),
        "{repo} is not on this machine and the Hub cannot be reached; connect to the internet, or use a checkpoint that "
        "ships ({shipped}).": (
            "{repo}이(가) 이 컴퓨터에 없고 허브에 연결할 수도 없습니다. 인터넷에 연결하거나 기본 제공 "
            "체크포인트({shipped})를 쓰세요."
        ),
        "{repo} lacks {config} or {weights}; it is not a VGG folder that can be opened without pickle.": (
            "{repo}에 {config}이나 {weights}가 없습니다. 피클 없이 열 수 있는 VGG 폴더가 아닙니다."
        ),
        "The Hub refused {repo}: {why}": "허브가 {repo}을(를) 거절했습니다. {why}",
        "the token is not valid; sign in again (`hf auth login`).": (
            "토큰이 올바르지 않으니 다시 로그인하세요(`hf auth login`)."
        ),
        "you have no right to do that; use a token that may write to it.": (
            "그럴 권한이 없으니 쓸 수 있는 토큰을 쓰세요."
        ),
        "the repo was changed at the same time; try again.": "저장소가 그사이에 바뀌었으니 다시 해 보세요.",
        "too many requests; wait a minute and try again.": "요청이 너무 많으니 잠시 기다렸다가 다시 해 보세요.",
        "its storage for you is full; free some there, or make the model smaller with dtype float16.": (
            "허브의 저장 공간이 가득 찼으니 비우거나 dtype float16으로 모델을 줄이세요."
        ),
        "it answered nothing; try again in a minute.": "아무 답도 없으니 잠시 뒤에 다시 해 보세요.",
        "it answered {status}; try again in a minute.": "{status}(이)라고 답했으니 잠시 뒤에 다시 해 보세요.",
        "The disk is full: {repo} was not fetched; free some space and try again.": (
            "디스크가 가득 차서 {repo}을(를) 내려받지 못했습니다. 공간을 비우고 다시 해 보세요."
        ),
        "The Hub's token cannot be right: it holds the character {character!r}; copy it again, or sign in again (`hf auth "
        "login`).": (
            "허브 토큰에 쓸 수 없는 글자 {character!r}이(가) 있습니다. 다시 복사하거나 다시 로그인하세요(`hf auth login`)."
        ),
        "The Hub's token cannot be right: it is empty, or holds a line break or an outer space; copy it again, or sign in "
        "again (`hf auth login`).": (
            "허브 토큰이 비어 있거나, 줄 바꿈이나 바깥 빈칸이 들어 있습니다. 다시 복사하거나 다시 로그인하세요(`hf auth login`)."
        ),
        "What the Hub sends of {repo} cannot be kept in {place} ({reason}); set HF_HOME to a folder that can be written to.": (
            "허브에서 받은 {repo}을(를) {place}에 둘 수 없습니다({reason}). HF_HOME을 쓸 수 있는 폴더로 정하세요."
        ),
        "The Hub cannot be reached for {repo} ({kind}); check the connection and try again.": (
            "{repo}을(를) 위해 허브에 연결할 수 없습니다({kind}). 연결을 확인하고 다시 해 보세요."
        ),
        "The Hub refused the card of {repo}: its metadata is not valid.": (
            "허브가 {repo}의 카드를 거절했습니다. 메타데이터가 올바르지 않습니다."
        ),
        "{repo} is there already and {now}, but {wanted} was asked for; make it {wanted} on its settings page at the "
        "Hub, or choose another name.": (
            "{repo}은(는) 이미 있고 {now} 상태인데 {wanted}를 골랐습니다. 허브의 설정 페이지에서 {wanted}로 바꾸거나 "
            "다른 이름을 고르세요."
        ),
        "private": "비공개",
        "public": "공개",
        # Fetching
        "{reason} ({what}); trying again in {wait} s.": "{reason}({what}). {wait}초 뒤에 다시 해 봅니다.",
        "The Hub answered {status}": "허브가 {status}(이)라고 답함",
        "The connection to the Hub failed, {kind}": "허브와 연결이 끊김, {kind}",
        "The Hub sent a file of the wrong size": "허브가 보낸 파일의 크기가 다름",
        "{file} of {repo}": "{repo}의 {file}",
        "{file} of {repo} is damaged: its {digest} is {found}, the Hub says {expected}": (
            "{repo}의 {file}이(가) 손상되었습니다({digest} 값이 {found}, 허브의 값은 {expected})"
        ),
        "{difference}; fetching it again.": "{difference}. 다시 내려받습니다.",
        "{difference}; it was removed from the cache: fetch it again, and if it stays so, tell its owner.": (
            "{difference}. 캐시에서 지웠으니 다시 내려받고, 그래도 같으면 주인에게 알리세요."
        ),
        # An upload
        "Saving the model.": "모델을 저장합니다.",
        "Opening it in a fresh process through each loader, and comparing the answers.": (
            "새 프로세스에서 여러 방법으로 열어 답을 비교합니다."
        ),
        "Making {repo}, if it is not there.": "{repo}이(가) 없으면 만듭니다.",
        "Uploading to {repo}.": "{repo}에 올립니다.",
        "repo": "저장소",
        "folder": "폴더",
        "The {place}'s README.md {reason} and is kept as it is; {how}.": (
            "{place}의 README.md가 {reason} 그대로 둡니다. {how}."
        ),
        "is too large to be read": "읽기에 너무 커서",
        "is not all text": "글이 아닌 것을 담고 있어서",
        "to have it replaced, push with replace_card=True, or --replace-card on the command line": (
            "바꾸려면 replace_card=True나 명령줄의 --replace-card로 올리세요"
        ),
        "to have a new one, remove it from the folder": "새로 쓰게 하려면 폴더에서 지우세요",
        "The metadata of the {place}'s README.md is not plain valid YAML: it is kept as it is; {how}.": (
            "{place} README.md의 메타데이터가 올바른 YAML이 아니라서 그대로 둡니다. {how}."
        ),
        "The {place}'s README.md {why}; its metadata was refreshed; {how}.": (
            "{place}의 README.md는 {why}. 메타데이터는 새로 썼습니다. {how}."
        ),
        "does not have one pair of vgg-hub's marks: its text is kept as it is": (
            "vgg-hub의 표시가 한 쌍이 아니라서 글을 그대로 둡니다"
        ),
        "was not generated by vgg-hub: its text is kept as it is": "vgg-hub가 쓴 것이 아니라서 글을 그대로 둡니다",
        "was edited between vgg-hub's marks: its text is kept as it is": (
            "vgg-hub의 표시 사이가 고쳐져 있어서 글을 그대로 둡니다"
        ),
        "The repo has a README.md already, and what people wrote there stays; to have what was written in that of the folder "
        "instead, push with replace_card=True, or --replace-card on the command line.": (
            "저장소에 이미 README.md가 있어서 거기에 쓰인 글을 그대로 둡니다. 폴더의 README.md에 쓴 글로 바꾸려면 "
            "replace_card=True나 명령줄의 --replace-card로 올리세요."
        ),
        "Its licence, {licence}, is kept, for a person set it; that of the pushed weights is {other}: see that they "
        "agree.": (
            "라이선스 {licence}은(는) 사람이 정한 것이라 그대로 둡니다. 올린 가중치의 라이선스는 {other}이니 서로 "
            "맞는지 확인하세요."
        ),
        "{first} {then}": "{first} {then}",
        # The saved model, opened again
        "The model's logits are not finite numbers for a drawn picture; train or load it again.": (
            "그려 낸 그림에 대한 모델의 로짓이 유한한 수가 아닙니다. 다시 학습하거나 불러오세요."
        ),
        "{file} of the saved folder cannot be read ({problem!s:.120}); save it again.": (
            "저장한 폴더의 {file}을(를) 읽을 수 없습니다({problem!s:.120}). 다시 저장하세요."
        ),
        "{loader} cannot open the saved folder ({how}); save the model again, and if it stays so update {loader}.": (
            "{loader}(으)로 저장한 폴더를 열 수 없습니다({how}). 모델을 다시 저장하고, 그래도 같으면 {loader}을(를) "
            "업데이트하세요."
        ),
        "{loader} {version} opens the saved folder, but {what}; save the model again, and if it stays so update {loader}.": (
            "{loader} {version}(으)로 저장한 폴더가 열리지만 원래 모델과 다릅니다({what}). 모델을 다시 저장하고, "
            "그래도 같으면 {loader}을(를) 업데이트하세요."
        ),
        "its preprocessing differs: {how}": "전처리가 다름: {how}",
        "its logits differ: {how}": "로짓이 다름: {how}",
        "the shape of its {what} is {found}, the model's {expected}": "{what}의 모양이 {found}, 원래 모델은 {expected}",
        "{there:.6g} where the model has {here:.6g}, and {allowed:.1g} is allowed": (
            "{there:.6g}, 원래 모델은 {here:.6g}, 허용 오차는 {allowed:.1g}"
        ),
        "it has {found} class names where the model has {expected}": "부류 이름이 {found}개, 원래 모델은 {expected}개",
        "its class {at} is {there!r} where the model has {here!r}": "{at}번 부류가 {there!r}, 원래 모델은 {here!r}",
        "its pipeline gives {label!r} {found:.4f} where the model gives {expected:.4f}": (
            "{label!r}의 파이프라인 값이 {found:.4f}, 원래 모델은 {expected:.4f}"
        ),
    }
)
