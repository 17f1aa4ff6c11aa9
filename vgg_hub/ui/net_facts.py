"""What the shipped checkpoints record of their making, in Korean; names of data sets stay as they are."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["FACTS_IN_KOREAN", "say_fact"]

FACTS_IN_KOREAN: MappingProxyType[str, str] = MappingProxyType(
    {
        "for research": "연구용",
        "for non-commercial research": "비상업적 연구용",
        "test": "시험",
        "validation": "검증",
        "test, 64 pixels": "시험, 64 픽셀",
        "validation, 64 pixels": "검증, 64 픽셀",
        "15 % left out, 64 pixels": "빼 둔 15 %, 64 픽셀",
        "Pairs of Caltech 101 categories left out": "빼 둔 Caltech 101 범주의 쌍",
        "10 photos a class, 100 tasks": "부류마다 사진 10장, 과제 100개",
    }
)


def say_fact(language: str, text: str) -> str:
    """A licence, a split or the like in a language; one that is not known stays as it is."""
    return FACTS_IN_KOREAN.get(text, text) if language == "ko" else text
