"""The sentences of the engine that the page can say in Korean too: the report's warnings, and errors."""

from __future__ import annotations

from types import MappingProxyType

from .. import doubts, lab, mend, scenes, shortcuts
from ..notes import Note
from .errors_hub import HUB_IN_KOREAN
from .errors_nets import NETS_IN_KOREAN
from .errors_photos import PHOTOS_IN_KOREAN
from .errors_teaching import TEACHING_IN_KOREAN
from .mend_messages import MEND_NOTES_IN_KOREAN

__all__ = ["NOTES", "SAID", "is_known", "say_note"]

SCENES_IN_KOREAN = {
    "scenes": "{label} 사진 {count}장에 담긴 서로 다른 장면은 {own}개입니다. {one}, {other}처럼 복사본이나 연속 촬영으로 보이는 "
    "사진이 있어서, 정답률을 잴 때 한데 묶었습니다. 정답률은 장면 {scenes}개로 잰 것입니다.",
    "one_scene": "{label} 사진 {count}장이 모두 {one}, {other}처럼 한 장면으로 보입니다. 다른 곳에서도 {label}을(를) 알아보는지는 "
    "이 정답률로 알 수 없습니다. 다른 때와 다른 곳에서도 사진을 찍으세요.",
    "across": "{label}의 {one}, {other_label}의 {other}: 같은 사진으로 보입니다. 어느 부류가 맞는지 확인하세요.",
    "across_more": "두 부류에 들어 있는 닮은 사진이 {count}쌍 더 있습니다.",
}
CUES_IN_KOREAN = {
    "kind": ("파일 형식", "모든 부류의 사진을 같은 파일 형식으로 저장하세요"),
    "size": ("픽셀 수", "모든 부류를 같은 카메라로 같은 크기로 찍으세요"),
    "shape": ("가로세로 비율", "모든 부류를 같은 비율로 찍으세요"),
    "brightness": ("밝기", "모든 부류를 같은 빛에서 찍으세요"),
    "contrast": ("대비", "모든 부류를 같은 빛에서 찍으세요"),
    "border": ("가장자리 색", "모든 부류를 같은 배경 앞에서 찍으세요"),
}
WHICH_IN_KOREAN = {
    "kind": "{label} 사진은 대부분 {kind}, {other_label} 사진은 대부분 {other_kind}",
    "size": "{label} 사진이 더 큼",
    "shape": "{label} 사진이 가로로 더 긺",
    "brightness": "{label} 사진이 더 밝음",
    "contrast": "{label} 사진의 대비가 더 큼",
    "border": "{label} 사진의 가장자리가 더 밝음",
}
TOLD = "{cue}만으로도 사진 {{n}}장 가운데 {{right}}장의 부류를 맞힐 수 있어{which} 신경망과 거의 같습니다. "
TOLD += "신경망이 그것을 배웠을 수 있습니다. {advice}."
SHORTCUTS_IN_KOREAN = {
    cue: TOLD.format(cue=what, which="", advice=advice) for cue, (what, advice) in CUES_IN_KOREAN.items()
}
SHORTCUTS_IN_KOREAN |= {
    f"{cue}_which": TOLD.format(cue=what, which=f"({WHICH_IN_KOREAN[cue]})", advice=advice)
    for cue, (what, advice) in CUES_IN_KOREAN.items()
}
GUESSING = "{what}만으로는 찍기보다 낫다고 말할 수 없습니다. 찍어도 {{percent}} %는 맞습니다.{advice}"
DOUBTS_IN_KOREAN = {
    f"guessing{scenes}{more}": GUESSING.format(what=what, advice=advice)
    for scenes, what in (("", "사진 {n}장"), ("_scenes", "서로 다른 장면 {n}개"))
    for more, advice in (("", ""), ("_more", " 부류마다 사진을 더 넣으세요."))
} | {
    "uneven": "{many} 사진은 {most}장, {few} 사진은 {least}장입니다. 학습에서는 두 부류의 비중이 같지만, {few}에 관한 결과는 적은 "
    "사진에서 나온 것이니 그 사진을 더 넣으세요."
}
LAB_IN_KOREAN = {
    "noise": "신경망 사이의 차이는 우연일 수 있습니다. 보지 못한 사진 {n}장 가운데 가장 나은 {best}은(는) {most}장, 가장 못한 {worst}은(는) "
    "{least}장을 맞혔습니다. 사진이 이만큼이면 우열을 가릴 수 없으니 가장 빠른 신경망을 고르세요.",
    "same": "모든 신경망이 사진 {n}장에서 똑같은 사진을 맞혔습니다. 우열을 가릴 수 없으니 가장 빠른 신경망을 고르세요.",
    "better": "{best}이(가) {others}보다 낫습니다. 우연으로 보기 어려운 차이입니다.",
    "best_of_rest": "{best}과(와) {others} 사이의 우열은 사진 {n}장으로는 알 수 없습니다.",
    "one": "신경망을 하나만 써 보았습니다. 비교하려면 다른 신경망도 써 보세요.",
}

NOTES: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {key: (text, SCENES_IN_KOREAN[key]) for key, text in scenes.SENTENCES.items()}
    | {key: (text, SHORTCUTS_IN_KOREAN[key]) for key, text in shortcuts.SENTENCES.items()}
    | {key: (text, LAB_IN_KOREAN[key]) for key, text in lab.SENTENCES.items()}
    | {key: (text, DOUBTS_IN_KOREAN[key]) for key, text in doubts.SENTENCES.items()}
    | {key: (text, MEND_NOTES_IN_KOREAN[key]) for key, text in mend.SENTENCES.items()}
)


# By the English template that stands where it is raised.
SAID: MappingProxyType[str, str] = MappingProxyType(
    {**PHOTOS_IN_KOREAN, **NETS_IN_KOREAN, **HUB_IN_KOREAN, **TEACHING_IN_KOREAN}
)
# What a system answers, in small letters: the commonest. The others stay in its own words.
REASONS_IN_KOREAN = MappingProxyType(
    {
        "permission denied": "권한이 없음",
        "operation not permitted": "허용되지 않음",
        "no such file or directory": "그런 파일이나 폴더가 없음",
        "not a directory": "폴더가 아님",
        "is a directory": "폴더임",
        "file exists": "이미 있음",
        "file name too long": "이름이 너무 긺",
        "input/output error": "입출력 오류",
        "read-only file system": "읽기 전용 디스크",
        "no space left on device": "디스크가 가득 참",
        "disk quota exceeded": "디스크 할당량을 넘음",
        "too many open files": "열린 파일이 너무 많음",
        "not a path": "경로가 아님",
        "error": "오류",
    }
)


def is_known(note: Note) -> bool:
    """Whether the sentence has a Korean one."""
    return note.key in NOTES or note.key in SAID or note.key.lower() in REASONS_IN_KOREAN


def say_note(language: str, note: str) -> str:
    """A sentence in a language, not escaped; what is no `Note`, or an unknown one, stays as it is.

    What it is filled in with is said in the language too, where it is a note itself.
    """
    if language == "en" or not isinstance(note, Note) or not is_known(note):
        return str(note)
    values = {
        name: say_note(language, value) if isinstance(value, Note) else value for name, value in note.values.items()
    }
    korean = NOTES[note.key][1] if note.key in NOTES else SAID.get(note.key) or REASONS_IN_KOREAN[note.key.lower()]
    return korean.format(**values) if values else korean
