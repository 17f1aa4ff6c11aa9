"""The page's fixed words, in English and Korean; the browser picks by its own language (`gr.I18n`)."""

from __future__ import annotations

from types import MappingProxyType

import gradio as gr

from .learn_text import LEARN

__all__ = ["I18N", "WORDS", "word"]

WORDS: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "title": ("Teach a VGG", "VGG 가르치기"),
        "header": (
            "# Teach a VGG\n\nShow it a few photos of two things and press **Teach it**: seconds later it tells them apart, "
            "and says how sure one can be. Your photos stay on this server and are deleted some time after you leave, or at once when you ask for it.",
            "# VGG 가르치기\n\n두 가지 사물의 사진을 몇 장씩 보여 주고 **가르치기**를 누르세요. 몇 초 뒤면 둘을 구별하고, "
            "얼마나 믿을 수 있는지도 알려 줍니다. 사진은 이 서버에만 있고, 떠나고 얼마 뒤에 지워지며 원하면 바로 지울 수 있습니다.",
        ),
        "samples": ("Try it with samples", "예시로 해 보기"),
        "samples_info": (
            "No photos at hand? This draws stripes and dots, and teaches them.",
            "사진이 없나요? 줄무늬와 점무늬를 그려서 가르쳐 봅니다.",
        ),
        "net": ("## Net", "## 신경망"),
        "net_info": (
            "What it starts from. The first choice is a good one.",
            "출발점이 되는 신경망입니다. 처음 값 그대로도 좋습니다.",
        ),
        "depth": ("Depth", "깊이"),
        "depth_info": ("Layers with weights", "가중치가 있는 층의 수"),
        "batch_norm": ("Batch norm", "배치 정규화"),
        "batch_norm_info": ("Steadier and mostly better", "더 안정적이고 대체로 더 좋습니다"),
        "weights": ("Starting weights", "시작 가중치"),
        "weights_info": ("What it knows before it sees your photos", "사진을 보기 전에 이미 아는 것"),
        "weights_bundled": ("Shipped", "기본 제공"),
        "weights_imagenet": ("ImageNet", "ImageNet"),
        "weights_own": ("My own", "직접 지정"),
        "weights_random": ("Random", "무작위"),
        "repo": ("Hub repo or local folder", "허브 저장소 또는 로컬 폴더"),
        "repo_info": (
            "owner/name, or a path on the machine that serves this page",
            "owner/name 또는 이 페이지를 여는 컴퓨터의 경로",
        ),
        "device": ("Device", "장치"),
        "device_info": ("Where it computes", "계산하는 곳"),
        "device_auto": ("Auto", "자동"),
        "photos": ("## Photos", "## 사진"),
        "photos_info": (
            "Two things, ten or more photos of each. Any phone's photos will do, and zips of them.",
            "두 가지 사물을 각각 열 장 이상 넣으세요. 휴대전화 사진이나 zip 파일도 됩니다.",
        ),
        "card_a": ("### First thing", "### 첫 번째"),
        "card_b": ("### Second thing", "### 두 번째"),
        "name": ("Name", "이름"),
        "name_a_hint": ("such as cat", "예: 고양이"),
        "name_b_hint": ("such as dog", "예: 강아지"),
        "files_a": ("Photos of the first thing", "첫 번째 사진"),
        "files_b": ("Photos of the second thing", "두 번째 사진"),
        "preview": ("What was read", "읽은 사진"),
        "webcam": ("Take a photo", "사진 찍기"),
        "snap": ("Webcam", "웹캠"),
        "train": ("## Train", "## 학습"),
        "teach": ("Teach it", "가르치기"),
        "stop": ("Stop", "멈추기"),
        "more": ("More choices", "추가 설정"),
        "trainable": ("What learns", "학습할 부분"),
        "trainable_info": (
            "With few photos the last layer is mostly the best, and takes seconds.",
            "사진이 적을 때는 대개 마지막 층만 배우는 것이 가장 좋고 몇 초면 끝납니다.",
        ),
        "trainable_head": ("The last layer", "마지막 층"),
        "trainable_classifier": ("All fully connected layers", "완전 연결 층 전체"),
        "trainable_block5": ("From block 5 on", "블록 5부터"),
        "trainable_block4": ("From block 4 on", "블록 4부터"),
        "trainable_block3": ("From block 3 on", "블록 3부터"),
        "trainable_block2": ("From block 2 on", "블록 2부터"),
        "trainable_all": ("The whole net", "신경망 전체"),
        "unlike": ("Answer “neither” too", "“둘 다 아님”도 답하기"),
        "unlike_info": (
            "For a picture that is unlike both things",
            "두 가지 어느 쪽과도 닮지 않은 사진일 때",
        ),
        "report": ("## Report", "## 결과"),
        "teach_again": ("Teach again", "다시 가르치기"),
        "classify": ("## Classify", "## 분류"),
        "one_photo": ("One photo", "사진 한 장"),
        "answer": ("Answer", "답"),
        "many_photos": ("Many photos", "여러 장"),
        "csv": ("Download as CSV", "CSV로 내려받기"),
        "inside": ("## Look inside", "## 신경망 들여다보기"),
        "inside_info": (
            "Why does it answer so? See what on a photo speaks for a class (Grad-CAM), what every layer makes of it, and how the "
            "layers are built.",
            "왜 그렇게 답할까요? 사진의 어느 부분이 그 부류의 근거인지(Grad-CAM), 층마다 사진에서 무엇을 찾는지, "
            "층이 어떻게 쌓여 있는지 볼 수 있습니다.",
        ),
        "inside_open": ("Open the net", "신경망 열어 보기"),
        "inside_photo": ("Photo", "사진"),
        "inside_label": ("Evidence for", "어느 부류의 근거"),
        "inside_stage": ("Stage", "단계"),
        "inside_upload": ("Photo to look at", "들여다볼 사진"),
        "inside_maps_title": ("### Feature maps", "### 특징 지도"),
        "inside_back": ("← Back", "← 이전"),
        "inside_on": ("More →", "다음 →"),
        "inside_filters_title": ("### First filters", "### 첫 층의 필터"),
        "inside_layers_title": ("### Layers", "### 층"),
        "lab": ("## Compare the nets", "## 신경망 비교"),
        "lab_info": (
            "What do depth and batch norm change? The photos of section 2, every net that ships, one after the other.",
            "깊이와 배치 정규화는 무엇을 바꿀까요? 2번의 사진으로 기본 제공 신경망을 하나씩 차례로 가르쳐 비교합니다.",
        ),
        "lab_start": ("Compare the nets", "신경망 비교하기"),
        "share": ("## Download and share", "## 내려받기와 공유"),
        "zip": ("Download the model (zip)", "모델 내려받기 (zip)"),
        "zip_file": ("If the download did not start, take it here", "내려받기가 시작되지 않으면 여기를 누르세요"),
        "code": ("Load it in Python", "파이썬에서 불러오기"),
        "push_title": ("### Put it on the Hugging Face Hub", "### 허깅페이스 허브에 올리기"),
        "sign_in": ("Sign in with Hugging Face", "허깅페이스로 로그인"),
        "sign_in_here": ("Use this machine’s sign-in", "이 컴퓨터의 로그인 쓰기"),
        "sign_out": ("Sign out", "로그아웃"),
        "push_owner": ("Owner", "소유자"),
        "push_owner_info": ("You, or an organisation of yours", "본인 또는 소속 조직"),
        "push_name": ("Name", "이름"),
        "push_name_info": (
            "Letters, digits and dashes; left empty, the name in grey. A repo that is there already gets a new version",
            "영문자, 숫자, 줄표(-). 비워 두면 회색 이름이 쓰입니다. 이미 있는 저장소라면 새 버전이 됩니다",
        ),
        "push_access": ("Who can see it", "공개 범위"),
        "push_access_info": ("This can be changed later on the Hub", "나중에 허브에서 바꿀 수 있습니다"),
        "push_private": ("Private", "비공개"),
        "push_public": ("Public", "공개"),
        "push_what": ("What to upload", "올릴 것"),
        "push_what_info": ("Photos are never uploaded", "사진은 올라가지 않습니다"),
        "push": ("Put it on the Hub", "허브에 올리기"),
        "away": ("### Before you leave", "### 자리를 뜨기 전에"),
        "away_delete": ("Delete my photos and model now", "내 사진과 모델 바로 지우기"),
        "away_yes": ("Yes, delete everything", "네, 모두 지웁니다"),
        "away_no": ("No, keep it", "아니요, 그대로 둡니다"),
        "paper": (
            "VGG: Simonyan & Zisserman, [Very Deep Convolutional Networks for Large-Scale Image Recognition]"
            "(https://arxiv.org/abs/1409.1556), ICLR 2015. A net by itself names one of its classes for every photo; one "
            "taught here can also say that a photo is like none of them; it notices many such photos, not all.",
            "VGG: Simonyan & Zisserman, [Very Deep Convolutional Networks for Large-Scale Image Recognition]"
            "(https://arxiv.org/abs/1409.1556), ICLR 2015. 신경망은 본래 어떤 사진에도 한 부류의 이름을 답합니다. "
            "여기에서 가르친 신경망은 어느 부류와도 닮지 않은 사진을 알아볼 수 있지만, 모두 알아보지는 못합니다.",
        ),
        **LEARN,
    }
)

PREFIX = "vgg_"  # Gradio's own words ("code", "file" ...) are in the same table of the browser
I18N = gr.I18n(
    en={PREFIX + key: english for key, (english, _) in WORDS.items()},
    ko={PREFIX + key: korean for key, (_, korean) in WORDS.items()},
)


def word(key: str):
    """A marker that the browser replaces by the words in its language."""
    if key not in WORDS:
        raise KeyError(key)
    return I18N(PREFIX + key)
