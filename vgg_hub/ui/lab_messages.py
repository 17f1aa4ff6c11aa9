"""What the comparison of nets says, in English and Korean."""

from __future__ import annotations

__all__ = ["LAB"]

LAB: dict[str, tuple[str, str]] = {
    "lab_idle": (
        "Put photos into both cards of section 2 and press “Compare the nets”. Each net that ships is taught them in turn.",
        "2번의 두 칸에 사진을 넣고 “신경망 비교하기”를 누르세요. 기본 제공 신경망을 하나씩 차례로 가르칩니다.",
    ),
    "lab_starting": ("Getting ready…", "준비하는 중…"),
    "lab_broke": (
        "The comparison broke off; try again, and tell the page's owner if it does so again.",
        "비교가 도중에 끊겼습니다. 다시 해 보고, 또 그러면 이 페이지의 운영자에게 알려 주세요.",
    ),
    "lab_heat_alt": (
        "What on a photo of each class spoke for it, to {net}",
        "부류마다 사진 한 장에서 {net}이(가) 근거로 본 곳",
    ),
    "lab_opening": ("{net}, {number} of {total}: opening…", "{net}({total}개 가운데 {number}번째) 여는 중…"),
    "lab_embedding": (
        "{net}, {number} of {total}: looking at the photos, {done} of {photos}",
        "{net}({total}개 가운데 {number}번째) 사진을 보는 중: {photos}장 가운데 {done}장",
    ),
    "lab_learning": ("{net}, {number} of {total}: learning", "{net}({total}개 가운데 {number}번째) 학습 중"),
    "lab_done": ("{total} nets compared in {time}.", "신경망 {total}개를 {time} 만에 비교했습니다."),
    "lab_stopped": (
        "Stopped after {time}: {done} of {total} nets are compared.",
        "{time} 뒤에 멈췄습니다. 신경망 {total}개 가운데 {done}개를 비교했습니다.",
    ),
    "lab_table": ("The nets compared", "신경망 비교 결과"),
    "lab_net": ("Net", "신경망"),
    "lab_right": ("Right on photos it had not seen", "보지 못한 사진의 정답률"),
    "lab_likely": ("likely {low} to {high} %", "{low}~{high} %일 가능성이 높음"),
    "lab_seconds": ("Taught in", "학습 시간"),
    "lab_parameters": ("Parameters", "매개변수"),
    "lab_looked_at": ("Where it looks", "보는 곳"),
    "lab_multiply_adds": ("Multiply-adds a photo", "사진 한 장당 곱셈-덧셈"),
    "lab_with_norm": ("with batch norm", "배치 정규화 있음"),
    "lab_without_norm": ("without", "없음"),
    "lab_chart": ("Right on photos it had not seen, by depth", "깊이별 보지 못한 사진의 정답률"),
    "lab_chart_alt": (
        "Accuracy by depth with its likely range: {points}.",
        "깊이별 정답률과 가능성이 높은 범위: {points}.",
    ),
    "lab_chart_point": ("{net} {percent} % ({low} to {high})", "{net} {percent} %({low}~{high})"),
    "lab_chart_note": (
        "The lines show where the true rate likely lies (95 %). All nets were judged on the same photos.",
        "세로선은 실제 정답률이 있을 가능성이 높은 범위(95 %)입니다. 모든 신경망을 같은 사진으로 쟀습니다.",
    ),
}
