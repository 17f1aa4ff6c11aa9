"""Messages about what is missing before a run, waiting, coming back, limits and deleting, in English and Korean."""

from __future__ import annotations

__all__ = ["ROOM"]

ROOM: dict[str, tuple[str, str]] = {
    "unnamed_a": (
        "The first thing has no name: type one above its photos, such as cat, and press again.",
        "첫 번째 사물에 이름이 없습니다. 사진 위에 이름을 적고(예: 고양이) 다시 눌러 주세요.",
    ),
    "unnamed_b": (
        "The second thing has no name: type one above its photos, such as dog, and press again.",
        "두 번째 사물에 이름이 없습니다. 사진 위에 이름을 적고(예: 강아지) 다시 눌러 주세요.",
    ),
    "line_next": ("Your turn is next", "다음 차례입니다"),
    "line_place": ("Waiting: {n} before you", "기다리는 중: 앞에 {n}명"),
    "line_full": (
        "{n} people are waiting already, as many as this page can take; try again in a minute.",
        "이미 {n}명이 기다리고 있어 더 받을 수 없습니다. 잠시 뒤에 다시 해 보세요.",
    ),
    "line_full_for": (
        "{n} people are waiting already, as many as this page can take; try again in about {time}.",
        "이미 {n}명이 기다리고 있어 더 받을 수 없습니다. 약 {time} 뒤에 다시 해 보세요.",
    ),
    "line_left": ("It was stopped before its turn came.", "차례가 오기 전에 멈췄습니다."),
    "train_out_of_time": (
        "Stopped after {time}, the longest that one run may take here; the best so far is kept. The report is below.",
        "이 페이지에서 한 번에 쓸 수 있는 시간({time})이 지나 멈췄습니다. 그때까지 가장 좋은 결과를 보관했습니다. "
        "결과는 아래에 있습니다.",
    ),
    "train_broke": (
        "Something broke on the server, which is not your fault; try again, and if it happens again, tell whoever runs this page.",
        "서버에서 문제가 생겼습니다. 여러분의 잘못이 아닙니다. 다시 해 보고, 또 생기면 이 페이지의 운영자에게 알려 주세요.",
    ),
    "too_many_photos": (
        "There are {n} photos; this page takes at most {most} of one thing: remove some.",
        "사진이 {n}장입니다. 이 페이지는 한 가지에 {most}장까지만 받습니다. 일부를 빼세요.",
    ),
    "too_large": (
        "Your files together have {size}; this page takes at most {most} of one visitor: remove some, or make the photos smaller.",
        "넣은 파일이 모두 {size}입니다. 이 페이지는 한 사람에게 {most}까지만 받습니다. 일부를 빼거나 사진 크기를 줄이세요.",
    ),
    "limits": (
        "At most {photos} photos of each, {pixels} megapixels a photo, {file} a file and {total} in all. "
        "Teaching ends after {minutes} at the latest.",
        "한 가지에 사진 {photos}장, 한 장에 {pixels}백만 화소, 파일 하나에 {file}, 모두 합쳐 {total}까지 넣을 수 있습니다. "
        "가르치기는 길어도 {minutes} 안에 끝납니다.",
    ),
    "back_taught": (
        "Welcome back: what this browser taught is still here ({labels}).",
        "다시 오셨네요. 이 브라우저에서 가르친 모델({labels})이 그대로 있습니다.",
    ),
    "back_photos": (
        "Welcome back: the photos from this browser are still here.",
        "다시 오셨네요. 이 브라우저에서 넣은 사진이 그대로 있습니다.",
    ),
    "back_running": (
        "Welcome back: your run went on meanwhile.",
        "다시 오셨네요. 그동안에도 학습은 계속되고 있습니다.",
    ),
    "back_whose": (
        "Not yours, or done? Delete it at the foot of the page.",
        "본인 것이 아니거나 다 쓰셨다면 페이지 맨 아래에서 지우세요.",
    ),
    "away_kept": (
        "Your photos and your model are on this server only. They are deleted {time} after you last used the page, or at once "
        "with this button. On a computer that you share, press it before you leave: until then whoever opens this page in the "
        "same browser finds them.",
        "사진과 모델은 이 서버에만 있습니다. 마지막으로 쓰고 나서 {time} 뒤에 지워지고, 이 버튼을 누르면 바로 지워집니다. "
        "함께 쓰는 컴퓨터라면 자리를 뜨기 전에 누르세요. 그 전에는 같은 브라우저로 이 페이지를 여는 사람에게 보입니다.",
    ),
}
