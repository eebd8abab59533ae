"""What a model name means: `embedded`, a folder, a Hub id, an endpoint, or a provider. Imports nothing heavy."""

import hashlib
from pathlib import Path

EMBEDDED_FOLDER = Path(__file__).resolve().parents[1] / "embedded"


def resolve(name: str) -> str:
    """The folder of the model that comes with the package for `embedded`; any other name unchanged."""
    return str(EMBEDDED_FOLDER) if name == "embedded" else name


def is_endpoint(name: str) -> bool:
    """Whether `name` is reached over HTTP (`http://…/v1` or `hf:PROVIDER/MODEL`) rather than loaded here."""
    return name.startswith(("http://", "https://", "hf:"))


def gguf_file(name: str) -> str:
    """The GGUF file that `name` is, or that is all of a model in the folder of that name; "" where there is none."""
    if name.lower().endswith(".gguf"):
        return name
    folder = Path(name).expanduser()
    if not name or not folder.is_dir() or (folder / "config.json").is_file():
        return ""
    return next((str(file) for file in sorted(folder.glob("*.gguf"))), "")


def weights_hash(name: str) -> str | None:
    """Sixteen hexadecimal digits that change with the weights of a model in a folder; None where there are none here.

    Of SHA-256 over the names and bytes of its safetensors files.
    """
    files = sorted(Path(resolve(name)).expanduser().glob("*.safetensors"))
    if not files:
        return None
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            digest.update(f"{file.name} {hashlib.file_digest(content, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()[:16]
