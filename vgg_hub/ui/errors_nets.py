"""What can be wrong with a net, its folder or its config: Korean, by the English where it is raised."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["NETS_IN_KOREAN"]

NETS_IN_KOREAN: MappingProxyType[str, str] = MappingProxyType(
    {
        # A net's shape
        "{field} is {value}; expected {expected}.": "{field} 값이 {value}입니다. {expected}이어야 합니다.",
        "a number of thousands of digits": "수천 자리의 수",
        "a whole number from {low} to {high}": "{low}에서 {high}까지의 정수",
        "a number above {low:g} to {high:g}": "{low:g}보다 크고 {high:g} 이하인 수",
        "a number from {low:g} and below {high:g}": "{low:g} 이상이고 {high:g}보다 작은 수",
        "a number from {low:g} to {high:g}": "{low:g}에서 {high:g}까지의 수",
        "a list of positive whole numbers and 'M', such as [64, 'M', 128, 'M']": (
            "[64, 'M', 128, 'M']처럼 양의 정수와 'M'의 목록"
        ),
        "a positive whole number of channels or 'M' for max pooling": "채널 수인 양의 정수나 최대 풀링을 뜻하는 'M'",
        "at least one convolution (a positive whole number)": "합성곱(양의 정수)이 하나 이상인 목록",
        "true or false": "true나 false 가운데 하나",
        "one of {names}": "{names} 가운데 하나",
        "one that leaves each of the layers at most {most} channels": "층마다 채널이 {most}개를 넘지 않는 값",
        "at least {smallest}, for each 'M' in layers halves it": "layers의 'M'마다 절반이 되므로 {smallest} 이상",
        "11, 13, 16 or 19, or a list of your own in layers": "11, 13, 16, 19 가운데 하나이거나 layers에 직접 적은 목록",
        "{count} numbers, one a channel": "채널마다 하나씩 수 {count}개",
        "layers has {count} entries; expected 1 to {most}.": (
            "layers의 항목이 {count}개입니다. 1개에서 {most}개까지여야 합니다."
        ),
        "num_classes is {classes} but label_names has {count} names; they must agree.": (
            "num_classes는 {classes}인데 label_names의 이름은 {count}개입니다. 둘이 같아야 합니다."
        ),
        "depth is {depth} but layers are {whose}; give one of the two.": (
            "depth는 {depth}인데 layers는 {whose}입니다. 둘 가운데 하나만 적으세요."
        ),
        "those of VGG{known}": "VGG{known}의 것",
        "a list of their own": "따로 적은 목록",
        "The net is not the one that its configuration describes: {place} is {found}; expected {expected}. Put that there, "
        "with what was added merged into it; a new head is made by replace_head.": (
            "신경망이 설정과 다릅니다. {place} 자리에 {found}이(가) 있는데 {expected}이어야 합니다. 더한 것을 합쳐서 그 층을 "
            "되돌려 놓으세요. 새 마지막 층은 replace_head로 만듭니다."
        ),
        "nothing": "아무것도 없음",
        "The net has not the tensors that its configuration describes, but for example {names}; make pruning and "
        "parametrizations permanent first (torch.nn.utils.prune.remove, parametrize.remove_parametrizations).": (
            "신경망의 텐서가 설정과 다릅니다. 예: {names}. 가지치기(pruning)와 재매개변수화를 먼저 확정하세요"
            "(torch.nn.utils.prune.remove, parametrize.remove_parametrizations)."
        ),
        # The choice of a net
        "depth is {depth!r}; expected 11, 13, 16 or 19.": (
            "깊이가 {depth!r}입니다. 11, 13, 16, 19 가운데 하나여야 합니다."
        ),
        "No weights are named; write a Hub repo (owner/name) or a folder, or choose another start.": (
            "가중치의 이름이 없습니다. 허브 저장소(owner/name)나 폴더를 적거나 다른 시작 가중치를 고르세요."
        ),
        "The weights' name has {length} characters; expected at most {most}: shorten it.": (
            "가중치의 이름이 {length}자입니다. {most}자를 넘을 수 없으니 줄이세요."
        ),
        "{name!r:.120} is not a Hub repo, and this public page opens no folders; write owner/name.": (
            "{name!r:.120}은(는) 허브 저장소가 아니고, 이 공개 페이지는 폴더를 열지 않습니다. owner/name으로 적으세요."
        ),
        "{net:.120} is a net of {found:,.0f} million {kind}; this page takes at most {most:,.0f} million: choose a "
        "smaller one, or use the command line on a machine of your own.": (
            "{net:.120}은(는) {kind} {found:,.0f}백만 개짜리 신경망입니다. 이 페이지의 한도는 {most:,.0f}백만 개이니 "
            "더 작은 것을 고르거나 본인 컴퓨터의 명령줄에서 쓰세요."
        ),
        "parameters": "매개변수",
        "multiply-adds a photo": "사진 한 장당 곱셈-덧셈",
        "numbers in its largest feature map": "가장 큰 특징 지도의 숫자",
        "{file} of {repo} has {size:,.0f} MB; this page takes at most {most:,.0f} MB: choose a smaller net.": (
            "{repo}의 {file}이(가) {size:,.0f} MB입니다. 이 페이지의 한도는 {most:,.0f} MB이니 더 작은 신경망을 "
            "고르세요."
        ),
        "No trained {net} ships with this version (there is {shipped}); choose one that does, ImageNet weights from the "
        "Hub, or random weights.": (
            "이 버전에는 학습된 {net}이(가) 들어 있지 않습니다(들어 있는 것: {shipped}). 들어 있는 것을 고르거나 "
            "허브의 ImageNet 가중치나 무작위 가중치를 고르세요."
        ),
        "none": "없음",
        "device is {device!r:.40}; expected auto, cpu, cuda or mps.": (
            "장치가 {device!r:.40}입니다. auto, cpu, cuda, mps 가운데 하나여야 합니다."
        ),
        "device is {device!r}, which this machine does not have; use auto or cpu.": (
            "이 컴퓨터에는 장치 {device!r}이(가) 없습니다. auto나 cpu를 쓰세요."
        ),
        "precision is {precision!r:.40}; expected auto or float32.": (
            "precision 값이 {precision!r:.40}입니다. auto나 float32여야 합니다."
        ),
        "batch_size is {batch_size!r:.40}; expected a positive whole number.": (
            "batch_size 값이 {batch_size!r:.40}입니다. 양의 정수여야 합니다."
        ),
        "{name} is {value!r}; expected a whole number from 0 to {most}.": (
            "{name} 값이 {value!r}입니다. 0에서 {most}까지의 정수여야 합니다."
        ),
        "{variable:.80} is no setting of this page; expected {names}.": (
            "{variable:.80}은(는) 이 페이지의 설정이 아닙니다. {names} 가운데 하나여야 합니다."
        ),
        "{variable} is {value!r:.60}; expected a whole number from 1 to {most}.": (
            "{variable} 값이 {value!r:.60}입니다. 1에서 {most}까지의 정수여야 합니다."
        ),
        # A folder or repo
        "{name!r:.120} is on this machine and has no revisions; leave revision out.": (
            "{name!r:.120}은(는) 이 컴퓨터에 있어 revision이 없습니다. revision을 빼세요."
        ),
        "{name} is a checkpoint that ships and also a folder here; write ./{name} for the folder, or rename the folder "
        "to use the checkpoint.": (
            "{name}은(는) 기본 제공 체크포인트이면서 여기에 있는 폴더이기도 합니다. 폴더를 쓰려면 ./{name}(으)로 "
            "적고, 체크포인트를 쓰려면 폴더 이름을 바꾸세요."
        ),
        "{file} is a file; give the folder that holds config.json and model.safetensors.": (
            "{file}은(는) 파일입니다. config.json과 model.safetensors가 든 폴더를 적으세요."
        ),
        "{name!r:.120} is not a folder here, nor a checkpoint that ships ({shipped}); a Hub repo is written owner/name.": (
            "{name!r:.120}은(는) 여기에 있는 폴더도, 기본 제공 체크포인트({shipped})도 아닙니다. 허브 저장소는 "
            "owner/name으로 적습니다."
        ),
        "{place} holds a head alone, trained on {base} as vgg-hub {version} ships it; other weights of that name ship "
        "with this version, {here}: install vgg-hub {version}, or ask for the whole model.": (
            "{place}에는 vgg-hub {version}의 {base}(으)로 학습한 마지막 층만 있습니다. 이 버전({here})에 들어 있는 "
            "같은 이름의 가중치는 다른 것이니, vgg-hub {version}을(를) 설치하거나 모델 전체를 달라고 하세요."
        ),
        "{place} holds a head alone, trained on {base} as vgg-hub {version} ships it; it does not ship with this "
        "version, {here}: install vgg-hub {version}, or ask for the whole model.": (
            "{place}에는 vgg-hub {version}의 {base}(으)로 학습한 마지막 층만 있습니다. 이 버전({here})에는 그 "
            "가중치가 없으니, vgg-hub {version}을(를) 설치하거나 모델 전체를 달라고 하세요."
        ),
        "{place} holds a head alone and stands on {base}, which is not to be had: {problem}": (
            "{place}에는 마지막 층만 있고 바탕인 {base}을(를) 얻을 수 없습니다. {problem}"
        ),
        "{place} holds a head alone, and what it stands on has changed: {other} holds {found}, expected sha256 {sha256}; "
        "ask for the whole model.": (
            "{place}에는 마지막 층만 있는데 그 바탕이 바뀌었습니다. {other}에 든 것은 {found}이고, sha256이 "
            "{sha256}이어야 합니다. 모델 전체를 달라고 하세요."
        ),
        "a head alone": "마지막 층뿐",
        "weights with sha256 {sha256}": "sha256이 {sha256}인 가중치",
        "{place} holds a head alone, of a net with {field} {value!r:.60}; {base} has {other!r:.60}: ask for the whole "
        "model.": (
            "{place}에는 {field} 값이 {value!r:.60}인 신경망의 마지막 층만 있는데, {base}의 값은 "
            "{other!r:.60}입니다. 모델 전체를 달라고 하세요."
        ),
        # config.json
        "config.json of {place} cannot be used: {problem}": "{place}의 config.json을 쓸 수 없습니다. {problem}",
        "config.json of {place} is not a plain file; put the file itself there.": (
            "{place}의 config.json이 보통 파일이 아닙니다. 파일 자체를 두세요."
        ),
        "config.json of {place} is over {most} MB; it is not one of ours.": (
            "{place}의 config.json이 {most} MB를 넘습니다. 이 프로그램이 쓴 것이 아닙니다."
        ),
        "{place} has no config.json; give a folder that `save_pretrained` wrote, or a timm VGG's.": (
            "{place}에 config.json이 없습니다. `save_pretrained`가 쓴 폴더나 timm의 VGG 폴더를 적으세요."
        ),
        "config.json of {place} cannot be read: {reason}.": "{place}의 config.json을 읽을 수 없습니다({reason}).",
        "config.json of {place} is not valid JSON ({problem!s:.80}); fetch or save it again.": (
            "{place}의 config.json이 올바른 JSON이 아닙니다({problem!s:.80}). 다시 내려받거나 저장하세요."
        ),
        "config.json of {place} holds a {kind}; expected a JSON object.": (
            "{place}의 config.json에 {kind}이(가) 들어 있습니다. JSON 객체여야 합니다."
        ),
        "The provenance cannot be written as JSON ({problem!s:.80}); give texts and numbers.": (
            "출처 기록을 JSON으로 쓸 수 없습니다({problem!s:.80}). 글과 숫자만 넣으세요."
        ),
        "vgg_hub.format is {format!r:.40}; this version reads {known}: update vgg-hub.": (
            "vgg_hub.format 값이 {format!r:.40}입니다. 이 버전은 {known}을(를) 읽으니 vgg-hub를 업데이트하세요."
        ),
        "it holds the unknown key {key!r:.80}; remove it or update vgg-hub.": (
            "모르는 키 {key!r:.80}이(가) 들어 있습니다. 지우거나 vgg-hub를 업데이트하세요."
        ),
        "it lacks the key {key}.": "키 {key}이(가) 없습니다.",
        "vgg_hub.provenance is a {kind}; expected a JSON object.": (
            "vgg_hub.provenance가 {kind}입니다. JSON 객체여야 합니다."
        ),
        "{name} is a {kind}; expected a JSON object.": "{name} 값이 {kind}입니다. JSON 객체여야 합니다.",
        "it describes the architecture {name!r:.60}; expected a VGG: {names}.": (
            "아키텍처가 {name!r:.60}입니다. VGG({names})여야 합니다."
        ),
        "model_args holds {key!r:.60}, which may make it another net; save it without.": (
            "model_args에 {key!r:.60}이(가) 있어 다른 신경망이 될 수 있습니다. 빼고 저장하세요."
        ),
        "pretrained_cfg.input_size is {size!r:.60}; a timm VGG slides its hidden layers over pictures of {most} pixels "
        "or more, which this one does not: only smaller ones give the same answers.": (
            "pretrained_cfg.input_size 값이 {size!r:.60}입니다. timm의 VGG는 {most} 픽셀 이상의 사진에서 숨은 층을 "
            "옮겨 가며 계산하지만 이 신경망은 그러지 않으므로, 더 작은 사진에서만 답이 같습니다."
        ),
        "pretrained_cfg.input_size is {size!r:.60}; expected [{channels!r:.20}, side, side].": (
            "pretrained_cfg.input_size 값이 {size!r:.60}입니다. [{channels!r:.20}, 변, 변]이어야 합니다."
        ),
        "pretrained_cfg.crop_mode is {mode!r:.40}; only 'center' is known.": (
            "pretrained_cfg.crop_mode 값이 {mode!r:.40}입니다. 'center'만 쓸 수 있습니다."
        ),
        "label_names is {given!r:.60}; expected a list of texts.": (
            "label_names 값이 {given!r:.60}입니다. 글의 목록이어야 합니다."
        ),
        "vgg_hub.base is {given!r:.80}; expected an object of texts: {names}.": (
            "vgg_hub.base 값이 {given!r:.80}입니다. 글({names})을 담은 객체여야 합니다."
        ),
        "vgg_hub.base.sha256 is {given!r:.80}; expected 64 hex digits.": (
            "vgg_hub.base.sha256 값이 {given!r:.80}입니다. 16진수 64자리여야 합니다."
        ),
        "vgg_hub.base.commit is {given!r:.60}; expected 40 hex digits.": (
            "vgg_hub.base.commit 값이 {given!r:.60}입니다. 16진수 40자리여야 합니다."
        ),
        "vgg_hub.base is {name!r:.60}, version {version!r:.40}; expected a Hub repo with its commit, or a checkpoint "
        "that ships with its version.": (
            "vgg_hub.base 값이 {name!r:.60}, 버전 {version!r:.40}입니다. 허브 저장소와 커밋이거나 기본 제공 "
            "체크포인트와 버전이어야 합니다."
        ),
        "vgg_hub.delta is {delta!r:.40}; expected true, beside a base, or nothing.": (
            "vgg_hub.delta 값이 {delta!r:.40}입니다. base와 함께 true이거나 아예 없어야 합니다."
        ),
        "vgg_hub.unlike is {given!r:.80}; expected an object of version, means and limits.": (
            "vgg_hub.unlike 값이 {given!r:.80}입니다. version, means, limits를 담은 객체여야 합니다."
        ),
        "vgg_hub.unlike.version is {version!r:.40}; this version reads {known}: update vgg-hub.": (
            "vgg_hub.unlike.version 값이 {version!r:.40}입니다. 이 버전은 {known}을(를) 읽으니 vgg-hub를 "
            "업데이트하세요."
        ),
        "vgg_hub.unlike.means is {given!r:.40}; expected base64.": (
            "vgg_hub.unlike.means 값이 {given!r:.40}입니다. base64여야 합니다."
        ),
        "vgg_hub.unlike.means holds {found} bytes; expected {expected}: {classes} classes of {features} numbers of 16 "
        "bits.": (
            "vgg_hub.unlike.means가 {found}바이트입니다. 부류 {classes}개마다 16비트 수 {features}개씩, "
            "{expected}바이트여야 합니다."
        ),
        "vgg_hub.unlike.means holds a number that is not finite; fetch it again, or teach it anew.": (
            "vgg_hub.unlike.means에 유한하지 않은 수가 있습니다. 다시 내려받거나 새로 가르치세요."
        ),
        "vgg_hub.unlike.limits is {given!r:.80}; expected {classes} numbers above 0, one a class.": (
            "vgg_hub.unlike.limits 값이 {given!r:.80}입니다. 부류마다 하나씩 0보다 큰 수 {classes}개여야 합니다."
        ),
        # Weights
        "{place} has no {file} (only {other}, which can run code when opened, so it is not read); ask its owner for a "
        "safetensors file.": (
            "{place}에 {file}이(가) 없습니다({other}만 있는데, 열면 코드가 실행될 수 있어 읽지 않습니다). 주인에게 "
            "safetensors 파일을 달라고 하세요."
        ),
        "{place} has no {file}; ask its owner for a safetensors file.": (
            "{place}에 {file}이(가) 없습니다. 주인에게 safetensors 파일을 달라고 하세요."
        ),
        "{file} of {place} does not hold the tensors that its config.json describes; {problems}.": (
            "{place}의 {file}에 든 텐서가 config.json과 맞지 않습니다({problems})."
        ),
        "{count} missing: {names}": "없는 것 {count}개: {names}",
        "{count} not expected: {names}": "남는 것 {count}개: {names}",
        "{count} of another shape: {names}": "모양이 다른 것 {count}개: {names}",
        "{key} is {found!s:.60}, expected {expected}": "{key}은(는) {found!s:.60}, 있어야 할 모양은 {expected}",
        "{first}; {then}": "{first}; {then}",
        "{first}, {then}": "{first}, {then}",
        "{first}, ...": "{first} ...",
        "{file} of {place} cannot be read ({problem}); it is cut short or not safetensors: fetch or save it again.": (
            "{place}의 {file}을(를) 읽을 수 없습니다({problem}). 중간에 잘렸거나 safetensors가 아니니 다시 "
            "내려받거나 저장하세요."
        ),
        "{file} of {place}: {key} has the type {dtype}; expected {kind}.": (
            "{place}의 {file}: {key}의 형식이 {dtype}입니다. {kind}이어야 합니다."
        ),
        "floats of 16, 32 or 64 bits": "16, 32, 64비트 실수 가운데 하나",
        "floats": "실수 가운데 하나",
        "whole numbers": "정수 가운데 하나",
        "{place} is the folder you are in, or one around it; name a folder of its own for the model.": (
            "{place}은(는) 지금 있는 폴더이거나 그 바깥 폴더입니다. 모델을 담을 폴더를 따로 지정하세요."
        ),
        "{place} is a file; name a folder to save the model in.": (
            "{place}은(는) 파일입니다. 모델을 저장할 폴더를 지정하세요."
        ),
        "The disk is full: {place} was not saved; free some space and save again.": (
            "디스크가 가득 차서 {place}을(를) 저장하지 못했습니다. 공간을 비우고 다시 저장하세요."
        ),
        "{place} is a folder; name a file to write.": "{place}은(는) 폴더입니다. 쓸 파일의 이름을 적으세요.",
        "{place} was not saved: {reason}; choose a place that can be written to.": (
            "{place}을(를) 저장하지 못했습니다({reason}). 쓸 수 있는 곳을 고르세요."
        ),
        "{key} holds numbers above 65504, too large for float16; save it as bfloat16.": (
            "{key}에 65504보다 큰 수가 있어 float16에 담을 수 없습니다. bfloat16으로 저장하세요."
        ),
        "dtype is {dtype!r:.40}; expected one of {names}.": (
            "dtype 값이 {dtype!r:.40}입니다. {names} 가운데 하나여야 합니다."
        ),
        "More than the head differs from {name}: {key} is not the same; save the whole model (delta=False).": (
            "{name}와(과) 마지막 층 말고도 다릅니다. {key}이(가) 같지 않으니 모델 전체를 저장하세요(delta=False)."
        ),
        "This model does not stand on a net that others can get, so its head alone is of no use to them; save the whole "
        "model, or start from a checkpoint that ships or from a Hub repo.": (
            "이 모델의 바탕을 다른 사람이 얻을 수 없어 마지막 층만으로는 쓸모가 없습니다. 모델 전체를 저장하거나, "
            "기본 제공 체크포인트나 허브 저장소에서 시작하세요."
        ),
        "What is to be saved": "저장하려는 것",
    }
)
