"""What is said where a net is looked into, in English and Korean; `messages` takes it in."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["INSIDE"]

INSIDE: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "inside_classified": ("The photo classified above", "위에서 분류한 사진"),
        "inside_new": ("Another photo…", "다른 사진…"),
        "inside_taught": ("{label}: {file}", "{label}: {file}"),
        "inside_no_photo": (
            "No photo yet: classify one above, or choose “Another photo…” and put one in.",
            "아직 사진이 없습니다. 위에서 한 장을 분류하거나 “다른 사진…”을 골라 넣으세요.",
        ),
        "inside_not_fetched": (
            "The weights of {name} are not on this machine, and looking does not fetch them: classify a photo above, "
            "which does, or choose shipped weights. The table below needs none.",
            "{name}의 가중치가 이 컴퓨터에 없고, 들여다보기는 내려받지 않습니다. 위에서 사진을 분류하면 내려받습니다. "
            "기본 제공 가중치를 골라도 됩니다. 아래 표는 가중치가 없어도 볼 수 있습니다.",
        ),
        "inside_no_table": (
            "The layers are known once the net is here: classify a photo above, which fetches it.",
            "신경망이 있어야 층을 알 수 있습니다. 위에서 사진을 분류하면 내려받습니다.",
        ),
        # The heat map
        "inside_seen": ("What the net sees", "신경망이 보는 부분"),
        "inside_heat": ("What speaks for {label}, at {stage}", "{stage}에서 {label}(이)라고 볼 근거"),
        "inside_heat_alt": (
            "Heat map over the photo: the strongest place is {where}, with {strength} % of full colour.",
            "사진 위의 열지도: 가장 강한 곳은 {where}, 가장 진한 색의 {strength} %.",
        ),
        "inside_heat_alt_none": ("Heat map over the photo: no colour.", "사진 위의 열지도: 색 없음."),
        "inside_strong": (
            "The net gives {label} {percent} %. What speaks for it most is {where} (the ring): {strength} % of full colour.",
            "신경망이 답한 {label} 확률은 {percent} %입니다. 가장 강한 근거는 {where}에 있고(고리 표시) 가장 진한 색의 {strength} %입니다.",
        ),
        "inside_faint": (
            "The net gives {label} {percent} %. Hardly anything at this stage speaks for it ({strength} % of full colour at most), "
            "so the photo stays nearly uncoloured.",
            "신경망이 답한 {label} 확률은 {percent} %입니다. 이 단계에는 근거가 거의 없어(가장 진한 색의 {strength} % 이하) "
            "사진에 색이 거의 없습니다.",
        ),
        "inside_none": (
            "The net gives {label} {percent} %. No place at this stage speaks for it, so the photo stays uncoloured.",
            "신경망이 답한 {label} 확률은 {percent} %입니다. 이 단계에는 근거가 되는 곳이 없어 사진에 색이 없습니다.",
        ),
        "inside_unlike": (
            "The net calls this photo unlike all that it was taught with, and names none of them: take the map with care.",
            "신경망은 이 사진이 가르친 사진 어느 것과도 닮지 않았다고 봅니다. 지도를 그대로 믿지는 마세요.",
        ),
        "inside_rule": (
            "All classes share one scale, so a class that is not there is mostly pale. Full colour is the strongest place among the "
            "three likeliest classes and the one chosen, and never less than one point of logit (here {points}); nothing is stretched.",
            "모든 부류가 같은 눈금을 쓰므로 사진에 없는 부류는 대개 옅게 보입니다. 가장 진한 색은 확률이 가장 높은 세 부류와 고른 부류 "
            "가운데 가장 강한 곳이며, 로짓 1점보다 작지 않습니다(여기서는 {points}점). 지도마다 늘려 그리지 않습니다.",
        ),
        "inside_legend": ("no evidence|full colour", "근거 없음|가장 진한 색"),
        "inside_no_places": (
            "{stage} is fully connected: its numbers have no place on the photo, so it has no heat map. Choose a convolution or "
            "a pooling for one.",
            "{stage}은(는) 완전 연결 층이라 사진 위의 위치가 없고, 열지도도 없습니다. 열지도를 보려면 합성곱이나 풀링을 고르세요.",
        ),
        "inside_where": (
            "upper left|at the top|upper right|at the left|in the middle|at the right|lower left|at the bottom|lower right",
            "왼쪽 위|위쪽|오른쪽 위|왼쪽|가운데|오른쪽|왼쪽 아래|아래쪽|오른쪽 아래",
        ),
        # Feature maps and filters
        "inside_maps": (
            "Maps {first} to {last} of the {total} of {stage}, those that answer most to this photo first; {height} × {width} "
            "numbers each, brighter is more, one scale for the stage.",
            "{stage}의 특징 지도 {total}개 가운데 {first}~{last}번째. 이 사진에 강하게 반응한 것부터입니다. 지도마다 숫자 "
            "{height} × {width}개이고 밝을수록 큽니다. 한 단계 안에서는 눈금이 같습니다.",
        ),
        "inside_numbers": (
            "The {total} numbers of {stage} for this photo, one square each, in their order; brighter is more.",
            "이 사진에 대한 {stage}의 숫자 {total}개. 네모 하나가 숫자 하나이고 순서대로입니다. 밝을수록 큽니다.",
        ),
        "inside_map_alt": ("Feature map {number} of {stage}", "{stage}의 특징 지도 {number}번"),
        "inside_filters": (
            "The {total} filters of the first layer, 3 × 3 pixels each: what each looks for in the photo. Grey is nothing, one scale for all.",
            "첫 층의 필터 {total}개, 각 3 × 3 픽셀. 필터마다 사진에서 찾는 무늬입니다. 회색은 0이고 눈금은 모두 같습니다.",
        ),
        "inside_filter_alt": ("Filter {number} of the first layer", "첫 층의 필터 {number}번"),
        # The table of layers
        "layers_caption": (
            "{name} at {side} × {side} pixels: {parameters} parameters, {multiply_adds} multiply-adds a photo. Press a layer's "
            "name to see it on the photo.",
            "{name}, {side} × {side} 픽셀: 매개변수 {parameters}, 사진 한 장당 곱셈-덧셈 {multiply_adds}. 층 이름을 누르면 사진에서 그 층을 보여 줍니다.",
        ),
        "layers_heads": (
            "Layer|Type|Feature maps|Size|Kernel|Stride|Activation|Parameters|Multiply-adds",
            "층|종류|특징 지도 수|크기|커널|보폭|활성화|매개변수|곱셈-덧셈",
        ),
        "layers_image": ("photo", "사진"),
        "layers_input": ("input", "입력"),
        "layers_convolution": ("convolution", "합성곱"),
        "layers_convolution_norm": ("convolution, batch norm", "합성곱, 배치 정규화"),
        "layers_max pooling": ("max pooling", "최대 풀링"),
        "layers_average pooling": ("average pooling", "평균 풀링"),
        "layers_fully connected": ("fully connected", "완전 연결"),
        "layers_picture": (
            "The layers from the photo to the answer: the higher a box, the larger its maps; the wider, the more of them. Below: "
            "each layer's share of the parameters and of the multiply-adds.",
            "사진에서 답까지의 층들: 상자가 높을수록 지도가 크고, 넓을수록 지도가 많습니다. 아래는 층마다 매개변수와 곱셈-덧셈에서 차지하는 몫입니다.",
        ),
        "layers_row": ("{layer}: {maps} of {size}", "{layer}: {size} 크기 {maps}개"),
    }
)
