"""A Hub on loopback: enough of the Hub's protocol for the real clients, through HF_ENDPOINT.

Comes in: requests of `huggingface_hub` and `datasets`. Goes out: repositories in memory; `repositories[(type, name)]`
holds the files of the newest commit, `commits` counts them. Serves: create, delete, preupload, LFS upload, commit
(refused with 412 on a stale parent), info, refs, tree, paths-info, resolve, card validation. Only `TOKEN` may write.
`trouble` is taken from its beginning, one for each write of that kind: ("lfs" or "commit", a status or "cut").
No Xet (clients need HF_HUB_DISABLE_XET=1).
"""

import base64
import hashlib
import json
import socket
import threading
import time

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "hf_token_of_the_test"


class Repository:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.commits = 0

    @property
    def sha(self) -> str:
        return hashlib.sha1(f"{self.commits}".encode()).hexdigest()


class HubServer:
    """A context manager; `url` is its address, `environment` what a client process needs to find it."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.refuse = 0  # a status with which every write is answered
        self.trouble: list[tuple[str, int | str]] = []
        self.uploaded: list[int] = []  # sizes of the LFS files that were sent
        self.meanwhile = False  # whether somebody else commits before the next commit
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        kinds = "/api/{kind:str}s/{user}/{name}"
        routes = [
            Route("/api/repos/create", self._create, methods=["POST"]),
            Route("/api/repos/delete", self._delete, methods=["DELETE"]),
            Route("/api/validate-yaml", _valid, methods=["POST"]),
            Route(f"{kinds}/preupload/{{revision}}", self._preupload, methods=["POST"]),
            Route(f"{kinds}/commit/{{revision}}", self._commit, methods=["POST"]),
            Route(f"{kinds}/paths-info/{{revision}}", self._paths, methods=["POST"]),
            Route(f"{kinds}/tree/{{revision}}", self._tree),
            Route(f"{kinds}/tree/{{revision}}/{{path:path}}", self._tree),
            Route(f"{kinds}/refs", self._refs),
            Route(f"{kinds}/revision/{{revision}}", self._info),
            Route(kinds, self._info),
            Route("/{kind:str}s/{user}/{name}.git/info/lfs/objects/batch", self._batch, methods=["POST"]),
            Route("/lfs/{oid}", self._upload, methods=["PUT"]),
            Route("/{kind:str}s/{user}/{name}/resolve/{revision}/{path:path}", self._resolve),
        ]
        app = Starlette(routes=routes)
        self._server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_level="critical"))
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> "HubServer":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)

    def environment(self, home: object, token: str = TOKEN) -> dict[str, str]:
        return {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "HF_TOKEN": token, "HF_HUB_DISABLE_XET": "1"}

    def _refusal(self, request: Request) -> Response | None:
        if self.refuse:
            return JSONResponse({"error": "not now"}, self.refuse)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"error": "Invalid username or password."}, 401)
        return None

    def _found(self, request: Request) -> Repository | None:
        parts = request.path_params
        return self.repositories.get((parts["kind"], f"{parts['user']}/{parts['name']}"))

    async def _create(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        body = await request.json()
        name = "/".join(part for part in (body.get("organization"), body["name"]) if part)
        kind = body.get("type") or "model"
        known = (kind, name) in self.repositories
        self.repositories.setdefault((kind, name), Repository())
        return JSONResponse({"url": f"{self.url}/{kind}s/{name}", "name": name}, 409 if known else 200)

    async def _preupload(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        files = (await request.json())["files"]
        repository = self._found(request)
        known = repository.files if repository else {}
        modes = []
        for file in files:
            path = file["path"]
            lfs = path.endswith(".parquet")
            mode = {"path": path, "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False}
            modes.append({**mode, "oid": _oid(known[path], lfs) if path in known else None})
        return JSONResponse({"files": modes})

    async def _batch(self, request: Request) -> Response:
        wanted = (await request.json())["objects"]
        objects = []
        for entry in wanted:
            upload = {"actions": {"upload": {"href": f"{self.url}/lfs/{entry['oid']}"}}}
            known = entry["oid"] in self.blobs
            objects.append({"oid": entry["oid"], "size": entry["size"], **({} if known else upload)})
        body = {"transfer": "basic", "objects": objects}
        return JSONResponse(body, media_type="application/vnd.git-lfs+json")

    async def _upload(self, request: Request) -> Response:
        if (trouble := self._next("lfs")) == "cut":
            raise ConnectionResetError("the test cuts this upload")
        if trouble:
            return Response(status_code=int(trouble))
        content = await request.body()
        if hashlib.sha256(content).hexdigest() != request.path_params["oid"]:
            return Response(status_code=422)
        self.blobs[request.path_params["oid"]] = content
        self.uploaded.append(len(content))
        return Response()

    def _next(self, kind: str) -> int | str:
        """The trouble that the next write of this kind is to have; 0 for none."""
        if self.trouble and self.trouble[0][0] == kind:
            return self.trouble.pop(0)[1]
        return 0

    async def _commit(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        repository = self._found(request)
        assert repository is not None
        if trouble := self._next("commit"):
            return JSONResponse({"error": "the Hub is resting"}, int(trouble))
        if self.meanwhile:
            self.meanwhile = False
            repository.files["README.md"] = b"# Somebody else's"
            repository.commits += 1
        for line in (await request.body()).splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header" and value.get("parentCommit") not in (None, repository.sha):
                return JSONResponse({"error": "A commit has happened since."}, 412)
            if entry["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                repository.files[value["path"]] = self.blobs[value["oid"]]
            elif entry["key"] == "deletedFile":
                repository.files.pop(value["path"], None)
        repository.commits += 1
        name = f"{request.path_params['user']}/{request.path_params['name']}"
        url = f"{self.url}/{request.path_params['kind']}s/{name}/commit/{repository.sha}"
        return JSONResponse({"success": True, "commitOid": repository.sha, "commitUrl": url, "hookOutput": ""})

    async def _delete(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        body = await request.json()
        name = "/".join(part for part in (body.get("organization"), body["name"]) if part)
        gone = self.repositories.pop((body.get("type") or "model", name), None)
        return JSONResponse({}, 200 if gone else 404)

    async def _refs(self, request: Request) -> Response:
        repository = self._found(request)
        if repository is None:
            return JSONResponse({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.sha}
        return JSONResponse({"branches": [main], "tags": [], "converts": []})

    async def _info(self, request: Request) -> Response:
        repository = self._found(request)
        if repository is None:
            return JSONResponse({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        name = f"{request.path_params['user']}/{request.path_params['name']}"
        return JSONResponse(
            {
                "_id": "0",
                "id": name,
                "sha": repository.sha,
                "private": False,
                "gated": False,
                "disabled": False,
                "tags": [],
                "downloads": 0,
                "likes": 0,
                "createdAt": "2026-01-01T00:00:00.000Z",
                "lastModified": "2026-01-01T00:00:00.000Z",
                "siblings": [{"rfilename": path} for path in sorted(repository.files)],
            }
        )

    async def _tree(self, request: Request) -> Response:
        repository = self._found(request)
        if repository is None:
            return JSONResponse({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        prefix = request.path_params.get("path", "")
        before = f"{prefix}/" if prefix else ""
        deep = request.query_params.get("recursive", "").lower() == "true"
        inside = [path for path in sorted(repository.files) if path.startswith(before)]
        if prefix and not inside:
            return JSONResponse({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        folders = sorted({path[len(before) :].split("/")[0] for path in inside if "/" in path[len(before) :]})
        entries = [{"type": "directory", "path": before + folder, "oid": "0" * 40, "size": 0} for folder in folders]
        files = [path for path in inside if deep or "/" not in path[len(before) :]]
        return JSONResponse(entries + [_entry(path, repository.files[path]) for path in files])

    async def _paths(self, request: Request) -> Response:
        repository = self._found(request)
        form = await request.form()
        paths = form.getlist("paths") or (await request.json()).get("paths", [])
        files = repository.files if repository else {}
        return JSONResponse([_entry(str(path), files[str(path)]) for path in paths if str(path) in files])

    async def _resolve(self, request: Request) -> Response:
        repository = self._found(request)
        path = request.path_params["path"]
        if repository is None:
            return JSONResponse({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        headers = {"X-Repo-Commit": repository.sha}
        if path not in repository.files:
            return JSONResponse({"error": "Entry not found"}, 404, {**headers, "X-Error-Code": "EntryNotFound"})
        content = repository.files[path]
        headers["ETag"] = f'"{hashlib.sha256(content).hexdigest()}"'
        if request.method == "HEAD":
            return Response(headers={**headers, "Content-Length": str(len(content))})
        if asked := request.headers.get("range"):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            part = content[int(first) : int(last) + 1 if last else None]
            headers["Content-Range"] = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
            return Response(part, 206, headers)
        return Response(content, headers=headers)


def _oid(content: bytes, lfs: bool) -> str:
    """How git knows a file: by its SHA-256 in LFS, else by the SHA-1 of it as a blob."""
    if lfs:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


async def _valid(_: Request) -> Response:
    return JSONResponse({"errors": [], "warnings": []})


def _entry(path: str, content: bytes) -> dict[str, object]:
    return {"type": "file", "path": path, "oid": hashlib.sha1(content).hexdigest(), "size": len(content)}
