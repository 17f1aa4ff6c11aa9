"""Messages made in Python, in English and Korean, and the choice between the two. Fixed words are in `words`."""

from __future__ import annotations

import re
from types import MappingProxyType

import gradio as gr

from ..verdict import SENTENCES
from .inside_messages import INSIDE
from .lab_messages import LAB
from .mend_messages import MEND_MESSAGES
from .room_messages import ROOM

__all__ = ["LANGUAGES", "MESSAGES", "language_in", "language_of", "say"]

LANGUAGES = ("en", "ko")

VERDICTS_IN_KOREAN = {
    "photos": "사진 수가 한계입니다. 사진의 절반 대신 전부로 배우자 정답률이 {gain}%p 달라졌으므로, "
    "부류마다 약 {more}장을 더하면 좋아질 가능성이 높습니다.",
    "photos_of": "사진 수가 한계입니다. 사진의 절반 대신 전부로 배우자 정답률이 {gain}%p 달라졌으므로, "
    "가장 많이 틀리는 {label} 사진을 약 {more}장 더하면 좋아질 가능성이 높습니다.",
    "net": "사진 수보다 신경망이 한계입니다. 사진의 절반 대신 전부로 배우자 정답률이 {gain}%p 달라졌습니다. "
    "비슷한 사진을 더해도 거의 도움이 되지 않습니다. 다른 신경망이나 차이가 더 가까이 보이는 사진이 나을 수 있습니다.",
    "unclear": "사진을 더하면 좋아질지 아직 알 수 없습니다. 사진의 절반 대신 전부로 배우자 정답률이 {gain}%p 달라졌지만 "
    "우연일 수 있습니다. 부류마다 약 {more}장이 더 있으면 알 수 있습니다.",
    "unclear_far": "사진을 더하면 좋아질지 알 수 없습니다. 사진의 절반 대신 전부로 배우자 정답률이 {gain}%p 달라졌지만 "
    "우연일 수 있습니다. 알아내려면 사진이 열 배 넘게 있어야 합니다.",
    "all_right": "거의 모든 사진을 맞혀서, 이 사진들로는 더 많은 사진이 도움이 될지 알 수 없습니다. "
    "구별하기 더 어려운 사진이면 알 수 있습니다.",
    "few": "{label} 사진이 너무 적어 더하면 좋아질지 알 수 없습니다. 약 {more}장이 더 있으면 알 수 있습니다.",
    "unknown": "사진을 더하면 좋아질지는 재지 않았습니다.",
}

MESSAGES: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        # 1 Net
        "net_parameters": ("Parameters", "매개변수"),
        "net_size": ("On disk", "디스크 크기"),
        "net_multiply_adds": ("Multiply-adds a photo", "사진 한 장당 곱셈-덧셈"),
        "net_reads": ("Reads", "입력 크기"),
        "net_pixels": ("{side} × {side} pixels", "{side} × {side} 픽셀"),
        "net_known_later": ("known once fetched", "내려받은 뒤에 알 수 있음"),
        "net_trained_on": ("Trained on {data}.", "학습 자료: {data}."),
        "net_pictures": ("{n} pictures", "사진 {n}장"),
        "net_scores": ("Right on pictures that it was not trained on:", "학습에 쓰지 않은 사진의 정답률:"),
        "net_rate": ("{rate} of {n}", "{n}장 가운데 {rate}"),
        "net_unknown_training": (
            "Its folder does not say what it was trained on.",
            "무엇으로 학습했는지 폴더에 적혀 있지 않습니다.",
        ),
        "net_bundled": (
            "It ships with this page: no internet is needed.",
            "이 페이지에 들어 있어 인터넷이 필요 없습니다.",
        ),
        "net_missing": (
            "No trained {name} ships with this version. Choose {shipped}, or ImageNet weights from the Hub, or random weights.",
            "이 버전에는 학습된 {name}이(가) 들어 있지 않습니다. {shipped}을(를) 고르거나, "
            "허브의 ImageNet 가중치나 무작위 가중치를 고르세요.",
        ),
        "net_missing_all": (
            "No trained net ships with this version. Choose ImageNet weights from the Hub, or random weights.",
            "이 버전에는 학습된 신경망이 들어 있지 않습니다. 허브의 ImageNet 가중치나 무작위 가중치를 고르세요.",
        ),
        "net_imagenet_here": (
            "It is on this machine already: no internet is needed.",
            "이미 이 컴퓨터에 있어 인터넷이 필요 없습니다.",
        ),
        "net_imagenet_away": (
            "It is fetched from the Hub ({name}) when you press “Teach it”, not before. Offline? Choose shipped weights.",
            "“가르치기”를 누르면 그때 허브({name})에서 내려받습니다. 오프라인이라면 기본 제공 가중치를 고르세요.",
        ),
        "net_repo_here": (
            "{name} is on this machine already: no internet is needed.",
            "{name}은(는) 이미 이 컴퓨터에 있어 인터넷이 필요 없습니다.",
        ),
        "net_repo_away": (
            "{name} is fetched from the Hub when you press “Teach it”, not before. Offline? Choose shipped weights or a folder.",
            "{name}은(는) “가르치기”를 누르면 그때 허브에서 내려받습니다. 오프라인이라면 기본 제공 가중치나 폴더를 고르세요.",
        ),
        "net_folder": (
            "It is read from the folder {name} on this machine; its own depth and batch norm count.",
            "이 컴퓨터의 {name} 폴더에서 읽습니다. 깊이와 배치 정규화는 폴더에 저장된 값을 따릅니다.",
        ),
        "net_own_depth": (
            "The depth and batch norm of the repo itself count.",
            "깊이와 배치 정규화는 저장소의 값을 따릅니다.",
        ),
        "net_own_empty": (
            "Write a Hub repo (owner/name) or the path of a folder that holds config.json and model.safetensors.",
            "허브 저장소(owner/name)나 config.json과 model.safetensors가 있는 폴더의 경로를 적으세요.",
        ),
        "net_random": (
            "It has learned nothing yet: good for seeing what training adds, poor at telling photos apart.",
            "아직 아무것도 배우지 않았습니다. 학습의 효과를 보기에는 좋지만 사진을 잘 구별하지는 못합니다.",
        ),
        # 2 Photos
        "photos_ready": ("{n} photos", "사진 {n}장"),
        "photo_ready": ("1 photo", "사진 1장"),
        "photos_shown": ("the first {n} are shown", "처음 {n}장만 보입니다"),
        "photos_left_out": ("{n} left out", "{n}개 제외"),
        "photos_more": (
            "Add at least two; ten or more are better.",
            "두 장 이상 넣으세요. 열 장 이상이면 더 좋습니다.",
        ),
        "photos_none": (
            "No photos yet. Drop some above, a zip will do; two at least, ten or more are better.",
            "아직 사진이 없습니다. 위에 사진이나 zip 파일을 끌어다 놓으세요. 두 장 이상, 열 장 이상이면 더 좋습니다.",
        ),
        # 3 Train
        "train_idle": (
            "When both cards have photos, press “Teach it”. It takes seconds.",
            "두 칸에 사진을 모두 넣었으면 “가르치기”를 누르세요. 몇 초면 됩니다.",
        ),
        "train_starting": ("Waiting for its turn…", "차례를 기다리는 중…"),
        "train_loading": ("Opening the net…", "신경망을 여는 중…"),
        "train_embedding": ("Looking at the photos: {done} of {total}", "사진을 보는 중: {total}장 가운데 {done}장"),
        "train_step": ("Learning: step {step}", "학습 중: {step}번째 단계"),
        "train_left": ("about {time} left", "약 {time} 남음"),
        "train_done": ("Done in {time}. The report is below.", "{time} 만에 끝났습니다. 결과는 아래에 있습니다."),
        "train_stopped": (
            "Stopped after {time}; the best so far is kept. The report is below.",
            "{time} 뒤에 멈췄습니다. 그때까지 가장 좋은 결과를 보관했습니다. 결과는 아래에 있습니다.",
        ),
        "stopping": ("Stopping…", "멈추는 중…"),
        "train_failed": ("Nothing was taught. {problem}", "가르치지 못했습니다. {problem}"),
        "train_full": (
            "Too many people are waiting; try again in a minute.",
            "기다리는 사람이 너무 많습니다. 잠시 뒤에 다시 해 보세요.",
        ),
        "curve_loss": ("Loss", "손실"),
        "curve_accuracy": ("Accuracy", "정확도"),
        "curve_train": ("photos it learns from", "배우는 사진"),
        "curve_unseen": ("photos it has not seen", "보지 못한 사진"),
        "curve_step": ("step", "단계"),
        "curve_empty": (
            "The curves are drawn here while it learns.",
            "학습하는 동안 여기에 곡선이 그려집니다.",
        ),
        "curve_alt": (
            "{name} by step; now {train} on photos it learns from and {unseen} on photos it has not seen.",
            "단계별 {name}. 지금 배우는 사진 {train}, 보지 못한 사진 {unseen}.",
        ),
        # 4 Report
        "report_empty": (
            "Nothing taught yet. The report comes here: how often it is right, and which photos it gets wrong.",
            "아직 가르친 것이 없습니다. 얼마나 맞히는지, 어떤 사진을 틀리는지가 여기에 나옵니다.",
        ),
        "report_accuracy": (
            "Right on about {right} of {n} photos that it had not seen ({percent} %); with that many photos the true rate is "
            "likely between {low} and {high} %.",
            "보지 못한 사진 {n}장 가운데 약 {right}장을 맞혔습니다({percent} %). "
            "사진이 이만큼일 때 실제 정답률은 {low} %에서 {high} % 사이일 가능성이 높습니다.",
        ),
        **{f"verdict_{key}": (SENTENCES[key], korean) for key, korean in VERDICTS_IN_KOREAN.items()},
        "report_guessing": ("guessing: {percent} %", "찍기: {percent} %"),
        "report_interval_alt": (
            "Scale from 0 to 100 %: {percent} %, interval from {low} to {high} %, guessing is right in {chance} %.",
            "0에서 100 %까지의 눈금: {percent} %, 구간 {low} %에서 {high} %, 찍으면 {chance} %.",
        ),
        "report_matrix": ("How each class was named", "각 부류를 무엇이라 답했나"),
        "report_matrix_rows": ("Truth ↓ · Answer →", "실제 ↓ · 답 →"),
        "report_matrix_cell": (
            "{count} photos of {truth} were named {answer}",
            "{truth} 사진 {count}장을 {answer}(이)라고 답함",
        ),
        "report_matrix_show": ("{said}; show them", "{said}; 사진 보기"),
        "report_notes": ("Please note", "알아 둘 점"),
        "report_how": ("How this was measured", "어떻게 쟀나"),
        "report_method": ("Method", "방법"),
        "report_seconds": ("Time taken", "걸린 시간"),
        "report_base": ("Started from", "출발점"),
        "report_counts": ("Photos used", "쓴 사진"),
        "report_seed": ("Seed", "난수 시드"),
        "report_trained": ("Trained", "학습한 부분"),
        "report_head": ("the last layer", "마지막 층"),
        "report_unlike": ("None of these", "어느 것도 아님"),
        "report_unlike_rates": (
            "answered for about {own} % of photos of the classes, wrongly (likely {low} to {high} %), and for about "
            "{others} % of photos of other things",
            "부류의 사진 가운데 약 {own} %에 잘못 답하고({low} %에서 {high} % 사이일 가능성이 높음), "
            "다른 사물의 사진 가운데 약 {others} %에 답함",
        ),
        "report_no_mistakes": (
            "It got none of its photos wrong when it had not seen them.",
            "보지 못한 상태에서 틀린 사진이 한 장도 없습니다.",
        ),
        **MEND_MESSAGES,
        # 5 Classify
        "classify_by_tuned": (
            "Answers come from what you taught: {labels}.",
            "답하는 모델: 직접 가르친 모델({labels}).",
        ),
        "classify_by_start": (
            "Nothing taught yet: answers come from the net chosen in section 1, with its own classes.",
            "아직 가르친 것이 없어 1번에서 고른 신경망이 자기 부류로 답합니다.",
        ),
        "classify_time": ("{time} on {device}", "{device}에서 {time}"),
        "classify_neither": ("Neither", "둘 다 아님"),
        "classify_none": ("None of these", "어느 것도 아님"),
        "classify_unlike": (
            "Unlike all photos that it was taught with: {score} times as far from the nearest as theirs reach. "
            "If it had to be one of them: {best}.",
            "가르친 사진 어느 것과도 닮지 않았습니다. 가장 가까운 부류에서도 그 사진들의 범위보다 {score}배 멉니다. "
            "꼭 하나를 골라야 한다면: {best}.",
        ),
        "classify_file": ("File", "파일"),
        "classify_answer": ("Answer", "답"),
        "classify_probability": ("Probability", "확률"),
        "classify_error": ("Error", "오류"),
        "classify_many": ("{n} photos classified in {time}", "사진 {n}장을 {time} 만에 분류함"),
        "classify_failed": ("{n} could not be read", "{n}개는 읽지 못함"),
        # 6 Look inside
        **INSIDE,
        **LAB,
        # 7 Share
        "share_empty": (
            "Nothing taught yet. Once you have taught it something, download it here.",
            "아직 가르친 것이 없습니다. 가르친 뒤에 여기에서 내려받으세요.",
        ),
        "share_ready": (
            "{name}: config.json, model.safetensors and README.md in one folder.",
            "{name}: config.json, model.safetensors, README.md가 한 폴더에 들어 있습니다.",
        ),
        "share_unzip": ("# unzip {name} first", "# 먼저 {name} 압축을 푸세요"),
        "push_sign_in": (
            "Sign in to put the model on the Hub from here. What you have taught is kept meanwhile.",
            "로그인하면 여기에서 바로 허브에 올릴 수 있습니다. 그동안 가르친 모델은 그대로 남아 있습니다.",
        ),
        "push_here": (
            "With the sign-in of this machine (“hf auth login”). The Hub is asked only once you press the button.",
            "이 컴퓨터의 로그인(“hf auth login”)을 씁니다. 버튼을 누를 때에만 허브에 연결합니다.",
        ),
        "push_away": (
            "Nobody can sign in on this page: download the zip and push it from your own machine with “vgg-hub push FOLDER me/name”.",
            "이 페이지에서는 로그인할 수 없습니다. zip을 내려받아 본인 컴퓨터에서 “vgg-hub push FOLDER me/name”으로 올리세요.",
        ),
        "push_as": ("Signed in as {name}.", "{name}(으)로 로그인했습니다."),
        "push_kind_full": ("The whole model, {size}", "모델 전체, {size}"),
        "push_kind_half": ("The whole model, rounded to 16 bits, {size}", "16비트로 줄인 모델 전체, {size}"),
        "push_kind_head": ("Only what it learned, {size}", "새로 배운 부분만, {size}"),
        "push_step": ("{sentence} ({time})", "올리는 중({time}): {sentence}"),
        "push_done": (
            "It is on the Hub: {repo}. Everyone can load it.",
            "허브에 올렸습니다: {repo}. 누구나 불러올 수 있습니다.",
        ),
        "push_done_private": (
            "It is on the Hub: {repo}. It is private: sign in (“hf auth login”) where you load it.",
            "허브에 올렸습니다: {repo}. 비공개이므로 불러올 컴퓨터에서 로그인(“hf auth login”)하세요.",
        ),
        "push_failed": ("It is not on the Hub. {problem}", "허브에 올리지 못했습니다. {problem}"),
        # Errors without a sentence of their own in `notes.SAID`: the English one follows a lead-in
        "error_LabelError": ("{sentence}", "부류 이름을 확인하세요. {sentence}"),
        "error_PhotoError": ("{sentence}", "사진을 쓸 수 없습니다. {sentence}"),
        "error_FinetuneError": ("{sentence}", "가르칠 수 없습니다. {sentence}"),
        "error_CheckpointError": ("{sentence}", "가중치를 쓸 수 없습니다. {sentence}"),
        "error_HubError": ("{sentence}", "허브를 쓸 수 없습니다. {sentence}"),
        "error_ParityError": ("{sentence}", "저장한 모델이 원래 모델과 다릅니다. {sentence}"),
        "error_DeviceError": ("{sentence}", "장치를 쓸 수 없습니다. {sentence}"),
        "error_ConfigError": ("{sentence}", "설정을 확인하세요. {sentence}"),
        "error_VGGHubError": ("{sentence}", "할 수 없습니다. {sentence}"),
        "wrong_kind": (
            "What was sent to {name} is not of the kind that it takes; /gradio_api/info lists its parameters.",
            "{name}에 보낸 값의 형식이 맞지 않습니다. 매개변수는 /gradio_api/info에 있습니다.",
        ),
        "unexpected": (
            "Something failed here that should not have, and it was noted; try again, or with other photos.",
            "예상하지 못한 문제가 생겨 기록해 두었습니다. 다시 해 보거나 다른 사진으로 해 보세요.",
        ),
        **ROOM,
        # Numbers
        "seconds": ("{n} s", "{n}초"),
        "minutes": ("{n} min", "{n}분"),
        "million": ("{n} million", "{n}"),
        "billion": ("{n} billion", "{n}"),
    }
)


def say(language: str, key: str, **values: object) -> str:
    """A message in a language, its places filled in. What is filled in is not escaped: HTML is the caller's matter."""
    return MESSAGES[key][LANGUAGES.index(language)].format(**values)


def language_of(request: gr.Request | None) -> str:
    """The language of a request; English where there is none."""
    return language_in(request.headers.get("accept-language", "") if request is not None else "")


def language_in(header: str) -> str:
    """The first language of ours that a browser asks for in its Accept-Language header; English for all others."""
    wanted = []
    for position, part in enumerate(header[:500].split(",")):
        found = re.fullmatch(r"\s*([A-Za-z]{2,3})(?:-[\w-]*)?\s*(?:;\s*q\s*=\s*([\d.]{1,5}))?\s*", part)
        if found and found[1].lower() in LANGUAGES:
            weight = float(found[2]) if found[2] and re.fullmatch(r"\d(\.\d*)?", found[2]) else 1.0
            wanted.append((-weight, position, found[1].lower()))
    return min(wanted)[2] if wanted else "en"
