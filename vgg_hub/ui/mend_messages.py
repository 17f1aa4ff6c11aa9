"""What is said where photos are moved or left out after a look at the mistakes, in English and Korean."""

from __future__ import annotations

__all__ = ["MEND_MESSAGES", "MEND_NOTES_IN_KOREAN"]

MEND_MESSAGES = {
    "mend_all": ("Photos it got wrong: {n}", "틀린 사진: {n}장"),
    "mend_cell": (
        "Photos of {truth} that it named {answer}: {n}",
        "{truth} 사진인데 {answer}(이)라고 답한 것: {n}장",
    ),
    "mend_cell_right": ("Photos of {truth} that it named right: {n}", "{truth} 사진인데 맞힌 것: {n}장"),
    "mend_first": ("the first {n} are shown", "처음 {n}장만 보입니다"),
    "mend_back": ("Show all it got wrong", "틀린 사진 모두 보기"),
    "mend_hint": (
        "Press a number in the table to see its photos. One that stands in the wrong class, or shows neither, can be moved or "
        "left out here; then teach again.",
        "표의 숫자를 누르면 그 사진들이 나옵니다. 부류가 잘못됐거나 둘 다 아닌 사진은 여기에서 옮기거나 빼고 다시 "
        "가르치세요.",
    ),
    "mend_answer": ("Said {answer}, {score} %", "{answer}(이)라고 답함, {score} %"),
    "mend_truth": ("It is {truth}", "실제: {truth}"),
    "mend_nearest": ("Most like it of {label}", "가장 닮은 {label} 사진"),
    "mend_move": ("Move to {label}", "{label}(으)로 옮기기"),
    "mend_move_this": ("Move {file} to {label}", "{file}을(를) {label}(으)로 옮기기"),
    "mend_leave": ("Leave out", "빼기"),
    "mend_leave_this": ("Leave out {file}", "{file} 빼기"),
    "mend_moved": ("Moved to {label}", "{label}(으)로 옮김"),
    "mend_left": ("Left out", "뺌"),
    "mend_why": ("Why?", "왜?"),
    "mend_why_this": ("Why did it answer so for {file}?", "{file}에 왜 그렇게 답했나?"),
    "mend_heat": ("Coloured: what speaks for {answer}.", "색칠한 곳: {answer}(이)라고 볼 근거."),
    "mend_heat_none": ("Hardly anything here speaks for {answer}.", "{answer}(이)라고 볼 근거가 거의 없습니다."),
    "mend_heat_now": (
        "This is the net as it is now, that was taught with this photo; the answer is of one that was not.",
        "이 사진으로도 배운 지금의 신경망입니다. 위의 답은 이 사진을 배우지 않은 신경망의 답입니다.",
    ),
    "mend_undo": ("Undo", "되돌리기"),
    "mend_undo_this": ("Undo the change of {file}", "{file}의 변경 되돌리기"),
    "mend_undo_all": ("Undo all", "모두 되돌리기"),
    "mend_changes": ("Your changes: {moved} moved, {left_out} left out", "바꾼 것: 옮김 {moved}장, 뺌 {left_out}장"),
    "mend_undone": ("All changes are undone", "변경을 모두 되돌림"),
    "mend_pending": (
        "It has not learned this yet: press “Teach again”.",
        "아직 배우지 않았습니다. “다시 가르치기”를 누르세요.",
    ),
    "mend_taught": ("It was taught with these changes.", "이 변경대로 배웠습니다."),
    "mend_from_to": ("{file}: from {label} to {to}", "{file}: {label}에서 {to}(으)로"),
    "mend_from_out": ("{file}: of {label}, left out", "{file}: {label}에서 뺌"),
    "mend_effect": ("What your changes did", "바꾼 결과"),
    "mend_flips": ("Photos whose answer changed: {n}", "답이 바뀐 사진: {n}장"),
    "mend_flip": ("{file}: {before} → {after} (it is {label})", "{file}: {before} → {after} (실제: {label})"),
    "mend_no_flips": ("No photo got another answer.", "답이 바뀐 사진은 없습니다."),
    "mend_flips_first": ("and {n} more", "그 밖에 {n}장"),
    "photos_changed": ("with your changes: {here} moved here, {away} moved away, {out} left out",
                       "바꾼 것 반영: 옮겨 옴 {here}장, 옮겨 감 {away}장, 뺌 {out}장"),
}  # fmt: skip

MEND_NOTES_IN_KOREAN = {
    "mend_mended": "틀린 사진을 보고 손으로 바꾸었습니다. 다른 부류로 옮긴 사진 {moved}장, 뺀 사진 {left_out}장. "
    "틀린 사진을 골라 바꾸면 정답률이 실제보다 좋아 보입니다.",
    "mend_accuracy": "바꾸기 전에는 {n}장 가운데 약 {right}장({percent} %, {low} %에서 {high} % 사이일 가능성이 높음), "
    "지금은 {n_now}장 가운데 약 {right_now}장({percent_now} %, {low_now} %에서 {high_now} % 사이)을 맞혔습니다.",
    "mend_same": "손대지 않은 사진 {n}장 가운데 전에 약 {right}장을 맞혔고 지금도 같습니다.",
    "mend_noise": "손대지 않은 사진 {n}장 가운데 전에 약 {right}장, 지금 약 {right_now}장을 맞혔습니다. "
    "이 정도 차이는 우연일 수 있습니다(오차 범위 안).",
    "mend_beyond": "손대지 않은 사진 {n}장 가운데 전에 약 {right}장, 지금 약 {right_now}장을 맞혔습니다. "
    "우연이라고 보기 어려운 차이입니다({p}).",
    "mend_none": "손대지 않은 사진이 없어 비교할 수 없습니다.",
    "mend_flatters": "틀린 사진을 골라 바꾸었으므로 이 정답률은 실제보다 좋아 보입니다. 더 잘 배우지 않아도 올라가기 때문입니다. "
    "답을 보고 고르지 않은 새 사진으로만 제대로 알 수 있습니다.",
}
