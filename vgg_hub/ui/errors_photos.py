"""What can be wrong with a photo, a zip, a folder of photos or an upload: Korean, by the English where it is raised."""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["PHOTOS_IN_KOREAN"]

PHOTOS_IN_KOREAN: MappingProxyType[str, str] = MappingProxyType(
    {
        # One picture
        "{file} gave a {kind}; expected bytes: open the file in binary mode.": (
            "{file}에서 {kind}이(가) 나왔습니다. 바이트가 나오도록 파일을 바이너리 모드로 여세요."
        ),
        "{file} has {size:.1f} MB; the limit is {most:g} MB: make it smaller.": (
            "{file}은(는) {size:.1f} MB이고 한도는 {most:g} MB입니다. 더 작게 만드세요."
        ),
        "{file} is too large; the limit is {most:g} MB: make it smaller.": (
            "{file}이(가) 너무 큽니다. 한도는 {most:g} MB입니다. 더 작게 만드세요."
        ),
        "{file} is empty (0 bytes); copy or export it again.": (
            "{file}이(가) 비어 있습니다(0바이트). 다시 복사하거나 내보내세요."
        ),
        "{file} is a folder; give a picture.": "{file}은(는) 폴더입니다. 사진을 넣으세요.",
        "{file} is not an ordinary file; give a picture.": "{file}은(는) 보통 파일이 아닙니다. 사진을 넣으세요.",
        "{file} does not exist; check its name and folder.": "{file}이(가) 없습니다. 이름과 폴더를 확인하세요.",
        "{file} cannot be read: permission denied; ask its owner, or copy it elsewhere.": (
            "{file}을(를) 읽을 권한이 없습니다. 파일 주인에게 부탁하거나 다른 곳에 복사해 쓰세요."
        ),
        "{file} cannot be read: {reason}; give another copy of it.": (
            "{file}을(를) 읽을 수 없습니다({reason}). 다른 사본을 넣으세요."
        ),
        "{file} is {kind}, not a picture that can be read; give a JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP or GIF.": (
            "{file}은(는) 읽을 수 있는 사진이 아닙니다({kind}). JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP, GIF 가운데 "
            "하나를 넣으세요."
        ),
        "{file} is a JPEG of over {most} scans, which no camera writes; export it again.": (
            "{file}은(는) 스캔이 {most}개가 넘는 JPEG입니다. 이렇게 쓰는 카메라는 없으니 다시 내보내세요."
        ),
        "{file} has a frame of more pixels than the limit, {most:g} million: make it smaller.": (
            "{file}에 한도인 {most:g}백만 화소보다 큰 화면이 들어 있습니다. 더 작게 만드세요."
        ),
        "{file} is damaged or cut short; copy or export it again.": (
            "{file}이(가) 손상되었거나 중간에 잘렸습니다. 다시 복사하거나 내보내세요."
        ),
        "{file} is a HEIC picture, which needs the package pillow-heif: install it (pip install pillow-heif), or save "
        "the picture as JPEG.": (
            "{file}은(는) HEIC 사진이라 pillow-heif 패키지가 있어야 읽습니다. 설치하거나(pip install pillow-heif) "
            "사진을 JPEG으로 저장하세요."
        ),
        "{file} has {width} x {height} pixels ({millions:.1f} million); the limit is {most:g} million: make it smaller.": (
            "{file}은(는) {width} x {height} 픽셀({millions:.1f}백만 화소)이고 한도는 {most:g}백만 화소입니다. 더 "
            "작게 만드세요."
        ),
        "{file} has {width} x {height} pixels; expected at least 1 x 1: export it again.": (
            "{file}은(는) {width} x {height} 픽셀입니다. 적어도 1 x 1이어야 하니 다시 내보내세요."
        ),
        "{file} has {width} x {height} pixels, one side over {times} times the other; crop it to the thing it shows.": (
            "{file}은(는) {width} x {height} 픽셀이라 한 변이 다른 변의 {times}배가 넘습니다. 보이는 사물에 맞게 "
            "자르세요."
        ),
        "{file} holds fractions, and not what counts as white; save it with 8 or 16 bits a pixel.": (
            "{file}에는 소수로 된 값만 있고 어떤 값이 흰색인지가 없습니다. 픽셀당 8비트나 16비트로 저장하세요."
        ),
        "{file} holds grey values from {low} to {high}; save it with 8 or 16 bits.": (
            "{file}의 회색 값이 {low}에서 {high}까지 있습니다. 8비트나 16비트로 저장하세요."
        ),
        "The array has shape {shape} and type {kind}; expected (height, width), (height, width, 3) or (height, width, 4) "
        "of uint8, 0 to 255.": (
            "배열의 모양이 {shape}, 형식이 {kind}입니다. (높이, 너비), (높이, 너비, 3), (높이, 너비, 4) 모양의 "
            "uint8(0에서 255)이어야 합니다."
        ),
        "A picture is a {kind}; expected a path, a PIL image or a numpy array.": (
            "사진이 {kind} 형식입니다. 경로, PIL 이미지, numpy 배열 가운데 하나여야 합니다."
        ),
        # What a file is instead
        "a PDF document": "PDF 문서",
        "a zip archive": "zip 압축 파일",
        "a Photoshop document": "포토샵 문서",
        "a JPEG XL picture": "JPEG XL 사진",
        "a JPEG 2000 picture": "JPEG 2000 사진",
        "an icon": "아이콘",
        "a video": "동영상",
        "a Git LFS pointer to a file elsewhere": "다른 곳의 파일을 가리키는 Git LFS 포인터",
        "a web page": "웹 페이지",
        "an SVG drawing": "SVG 그림",
        "text": "텍스트",
        "of an unknown kind": "알 수 없는 형식",
        "a {format} picture": "{format} 사진",
        # What is left out of a card, a zip or a folder
        "{file} holds no picture.": "{file}에 사진이 없습니다.",
        "{file} was left out, for it is {kind}, not a picture.": "{file}은(는) 사진이 아니라서({kind}) 뺐습니다.",
        "{file} in {place} was left out, for it is a zip inside a folder or zip; unpack it first.": (
            "{place}의 {file}은(는) 폴더나 zip 안에 든 zip이라서 뺐습니다. 먼저 압축을 푸세요."
        ),
        "{file} in {place} was left out, for its name is not a picture's.": (
            "{place}의 {file}은(는) 이름이 사진 파일의 것이 아니라서 뺐습니다."
        ),
        "{file} was left out, for it lies beside the class folders; move it into one of them.": (
            "{file}은(는) 부류 폴더 밖에 있어서 뺐습니다. 부류 폴더 하나로 옮기세요."
        ),
        "the top folder": "맨 위 폴더",
        # Zips
        "{folder} is there already; name a new folder to unpack {file} in.": (
            "{folder}이(가) 이미 있습니다. {file}을(를) 풀 새 폴더를 지정하세요."
        ),
        "The disk is full: {file} was not unpacked; free some space and try again.": (
            "디스크가 가득 차서 {file}의 압축을 풀지 못했습니다. 공간을 비우고 다시 해 보세요."
        ),
        "{file} was not unpacked: {reason}; choose another place, or pack it anew.": (
            "{file}의 압축을 풀지 못했습니다({reason}). 다른 곳을 고르거나 다시 압축하세요."
        ),
        "{file} is not a file; give a zip of photos.": "{file}은(는) 파일이 아닙니다. 사진이 든 zip을 넣으세요.",
        "{file} does not exist; give a zip of photos.": "{file}이(가) 없습니다. 사진이 든 zip을 넣으세요.",
        "{file} is empty (0 bytes); copy or pack it again.": (
            "{file}이(가) 비어 있습니다(0바이트). 다시 복사하거나 압축하세요."
        ),
        "{file} is {kind}, not a zip; pack the photos as a zip.": (
            "{file}은(는) zip이 아닙니다({kind}). 사진을 zip으로 압축하세요."
        ),
        "{file} is damaged or cut short at {entry!r}; copy or pack it again.": (
            "{file}이(가) {entry!r}에서 손상되었거나 잘렸습니다. 다시 복사하거나 압축하세요."
        ),
        "{file} is damaged or cut short; copy or pack it again.": (
            "{file}이(가) 손상되었거나 중간에 잘렸습니다. 다시 복사하거나 압축하세요."
        ),
        "{file} has {count} entries; the limit is {most}: split it.": (
            "{file}에 항목이 {count}개 있습니다. 한도는 {most}개이니 나누세요."
        ),
        "{file} holds no file; pack the folders of photos.": "{file}에 파일이 없습니다. 사진이 든 폴더를 압축하세요.",
        "{file} holds entries, which unpacks to over {times} times its size, as no photo does; pack the photos "
        "themselves.": "{file}의 항목은 풀면 {times}배가 넘게 커집니다. 그런 사진은 없으니 사진 자체를 압축하세요.",
        "{file} holds {entry!r}, which unpacks to over {times} times its size, as no photo does; pack the photos "
        "themselves.": (
            "{file}에 든 {entry!r}은(는) 풀면 {times}배가 넘게 커집니다. 그런 사진은 없으니 사진 자체를 압축하세요."
        ),
        "{file} holds {entry!r}, whose path leads out of the folder; pack it anew.": (
            "{file}에 든 {entry!r}의 경로가 폴더 밖을 가리킵니다. 다시 압축하세요."
        ),
        "{file} holds {entry!r}, which is {kind}; pack the photos themselves.": (
            "{file}에 든 {entry!r}은(는) 사진이 아닙니다({kind}). 사진 자체를 압축하세요."
        ),
        "a link": "링크",
        "not an ordinary file": "보통 파일이 아님",
        "{file} holds {entry!r} {depth} folders deep; the limit is {most}.": (
            "{file}에 든 {entry!r}은(는) 폴더 {depth}겹 안에 있습니다. 한도는 {most}겹입니다."
        ),
        "{file} holds {entry!r}, which is locked with a password; pack it without one.": (
            "{file}에 든 {entry!r}은(는) 암호로 잠겨 있습니다. 암호 없이 압축하세요."
        ),
        "{file} holds {entry!r}, packed by a rare method; pack it as an ordinary zip (deflate).": (
            "{file}에 든 {entry!r}은(는) 드문 방식으로 압축되어 있습니다. 보통 zip(deflate)으로 압축하세요."
        ),
        "{file} unpacks to {size:.1f} MB; the limit is {most:g} MB: split it.": (
            "{file}은(는) 풀면 {size:.1f} MB가 됩니다. 한도는 {most:g} MB이니 나누세요."
        ),
        # Folders
        "The folder {label} of {place} holds no photo, only {found}; add photos, or remove the folder.": (
            "{place}의 {label} 폴더에 사진은 없고 {found}만 있습니다. 사진을 넣거나 폴더를 지우세요."
        ),
        "{place} holds {first} and {second}, which are parts of a data set and no classes; give one of the two, or call them "
        "train and validation for `vgg-hub finetune` to learn from one and judge by the other.": (
            "{place}에 있는 {first}과(와) {second}은(는) 데이터 세트의 부분이지 부류가 아닙니다. 둘 가운데 하나만 주거나, "
            "train과 validation으로 이름 지어 `vgg-hub finetune`이 하나로 배우고 다른 하나로 평가하게 하세요."
        ),
        "The folder {label} of {place} holds no photo; add photos, or remove the folder.": (
            "{place}의 {label} 폴더에 사진이 없습니다. 사진을 넣거나 폴더를 지우세요."
        ),
        "1 other file": "다른 파일 1개",
        "{count} other files": "다른 파일 {count}개",
        "{place} cannot be looked at; {advice}": "{place}을(를) 살펴볼 수 없습니다. {advice}",
        "{place} is a file, not a folder; {advice}": "{place}은(는) 폴더가 아니라 파일입니다. {advice}",
        "{place} does not exist; {advice}": "{place}이(가) 없습니다. {advice}",
        "give a folder or zip with one subfolder of photos a class, such as cats and dogs.": (
            "고양이와 강아지처럼 부류마다 하위 폴더 하나에 사진을 담은 폴더나 zip을 넣으세요."
        ),
        "The folder {folder} cannot be listed: {reason}; change its permissions.": (
            "{folder} 폴더의 목록을 볼 수 없습니다({reason}). 권한을 바꾸세요."
        ),
        "{place} holds {found} but no subfolders to name their classes; {advice}": (
            "{place}에 {found}은 있지만 부류의 이름이 될 하위 폴더가 없습니다. {advice}"
        ),
        "1 photo": "사진 1장",
        "{count} photos": "사진 {count}장",
        "{place} holds only one class, {label} and {packed}, which would have to be unpacked first; {advice}": (
            "{place}에 부류가 {label} 하나뿐이고, 먼저 풀어야 할 {packed}가 있습니다. {advice}"
        ),
        "{place} holds only one class, {label}; {advice}": "{place}에 부류가 {label} 하나뿐입니다. {advice}",
        "{place} holds no photo and {packed}, which would have to be unpacked first; {advice}": (
            "{place}에 사진은 없고, 먼저 풀어야 할 {packed}가 있습니다. {advice}"
        ),
        "{place} holds no photo; {advice}": "{place}에 사진이 없습니다. {advice}",
        "1 zip": "zip 1개",
        "{count} zips": "zip {count}개",
        "The folder {folder} of {place} cannot name a class. {problem}": (
            "{place}의 {folder} 폴더 이름을 부류 이름으로 쓸 수 없습니다. {problem}"
        ),
        "The folders of {place} cannot name classes. {problem}": (
            "{place}의 폴더 이름들을 부류 이름으로 쓸 수 없습니다. {problem}"
        ),
        # Uploads
        "There is no photo; upload one to this page.": "사진이 없습니다. 이 페이지에 한 장 올리세요.",
        "The photos did not come as a list; send a list of uploaded files.": (
            "사진이 목록으로 오지 않았습니다. 올린 파일의 목록을 보내세요."
        ),
        "What was sent is nested more than {most} deep; send uploaded files and plain values.": (
            "보낸 값이 {most}겹 넘게 겹쳐 있습니다. 올린 파일과 단순한 값을 보내세요."
        ),
        "Only files that were uploaded to this page are opened, no web addresses and no other files; upload it.": (
            "이 페이지에 올린 파일만 엽니다. 웹 주소나 다른 파일은 열지 않으니 파일을 올리세요."
        ),
        "Web addresses are not opened here; upload the file itself.": (
            "여기에서는 웹 주소를 열지 않습니다. 파일 자체를 올리세요."
        ),
        "There is no such address here; docs/programs.md lists what programs may ask.": (
            "여기에 없는 주소입니다. 프로그램이 물을 수 있는 것은 docs/programs.md에 있습니다."
        ),
        "The disk of this page is nearly full; try again later, or with fewer and smaller photos.": (
            "이 페이지의 디스크가 거의 찼습니다. 나중에 다시 해 보거나 더 적고 작은 사진으로 해 보세요."
        ),
        "The request has over {most} MB; upload files with /gradio_api/upload.": (
            "요청이 {most} MB를 넘습니다. 파일은 /gradio_api/upload로 올리세요."
        ),
        "This request cannot be understood; docs/programs.md says how programs ask.": (
            "알아들을 수 없는 요청입니다. 프로그램이 묻는 방법은 docs/programs.md에 있습니다."
        ),
    }
)
