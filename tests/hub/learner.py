"""A learner in front of a browser, without the browser: the same requests and messages."""

import json
import re
import time
import uuid
from types import SimpleNamespace

import requests
import websocket

PASSWORD = "a-class-of-four"
TEACHERS = "a-teacher-knows-one-of-32-characters"
CLASS = ("ada", "ben", "cleo", "dan")
VIEW = "application/vnd.jupyter.widget-view+json"


class Learner:
    """One who logs in, starts a server, and runs cells in a kernel."""

    def __init__(self, address, name, password):
        self.address = address
        self.name = name
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy of the world outside
        login = f"{address}/hub/login"
        self.session.get(login).raise_for_status()
        form = {"username": name, "password": password, "_xsrf": self._xsrf("/hub/")}
        # the answer leads on to the learner's server, and starts it
        self.reply = self.session.post(login, params={"next": "/hub/home"}, data=form)
        self.log = []

    def _xsrf(self, path):
        cookies = [c for c in self.session.cookies if c.name == "_xsrf" and c.path == path]
        return cookies[-1].value if cookies else ""

    def ask_hub(self, method, path, **options):
        """Send a request to the hub's own API, as its pages do."""
        headers = {"X-XSRFToken": self._xsrf("/hub/"), "Referer": f"{self.address}/hub/home"}
        return self.session.request(
            method, f"{self.address}/hub/api/{path}", headers=headers, **options
        )

    def token(self):
        """Return a token with the rights that a learner's server gets."""
        wish = {"scopes": ["access:services!service=hall"]}
        reply = self.ask_hub("POST", f"users/{self.name}/tokens", json=wish)
        reply.raise_for_status()
        return reply.json()["token"]

    def start_server(self):
        """Ask for the learner's server; it takes a while."""
        reply = self.ask_hub("POST", f"users/{self.name}/server", json={})
        assert reply.status_code in (201, 202), reply.text

    def wait_for_server(self, patience=180):
        """Wait until the server answers, and open its first page."""
        deadline = time.monotonic() + patience
        while not self.ask_hub("GET", f"users/{self.name}").json()["server"]:
            assert time.monotonic() < deadline, f"{self.name}'s server doesn't start"
            time.sleep(0.5)
        # by way of the hub, which hands the server's cookie over
        self.session.get(f"{self.address}/user/{self.name}/lab").raise_for_status()

    def open(self, notebook):
        """Open a notebook: its cells, and a kernel that listens."""
        base = f"/user/{self.name}/"
        headers = {"X-XSRFToken": self._xsrf(base)}
        contents = self.session.get(f"{self.address}{base}api/contents/{notebook}")
        contents.raise_for_status()
        body = {"path": notebook, "name": "", "type": "notebook", "kernel": {"name": "python3"}}
        reply = self.session.post(f"{self.address}{base}api/sessions", json=body, headers=headers)
        assert reply.status_code == 201, reply.text
        kernel = reply.json()["kernel"]["id"]
        cookies = "; ".join(
            f"{c.name}={c.value}" for c in self.session.cookies if base.startswith(c.path)
        )
        url = re.sub("^http", "ws", self.address) + f"{base}api/kernels/{kernel}/channels"
        self.socket = websocket.create_connection(
            url, cookie=cookies, origin=self.address, timeout=240, http_no_proxy=["127.0.0.1"]
        )
        cells = contents.json()["content"]["cells"]
        return [SimpleNamespace(**cell) for cell in cells if cell["cell_type"] == "code"]

    def _send(self, kind, content, metadata=None):
        header = {
            "msg_id": uuid.uuid4().hex,
            "username": self.name,
            "session": self.name,
            "msg_type": kind,
            "version": "5.3",
        }
        message = {
            "header": header,
            "parent_header": {},
            "metadata": metadata or {},
            "content": content,
            "channel": "shell",
            "buffers": [],
        }
        self.socket.send(json.dumps(message))
        return header["msg_id"]

    def _listen(self, sent):
        """Return what the kernel says until it is done with a message."""
        said = []
        while True:
            frame = self.socket.recv()
            # a picture comes in binary: the length of the list of offsets, the offsets, the parts
            if isinstance(frame, bytes):
                count = int.from_bytes(frame[:4], "big")
                start, end = (int.from_bytes(frame[4 * k : 4 * k + 4], "big") for k in (1, 2))
                frame = frame[start : end if count > 1 else None]
            message = json.loads(frame)
            if message["parent_header"].get("msg_id") != sent:
                continue
            said.append(message)
            is_status = message["header"]["msg_type"] == "status"
            if is_status and message["content"]["execution_state"] == "idle":
                return said

    def run(self, source, cell_id=None):
        """Run code as JupyterLab does; return what came of it."""
        content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False}
        said = self._listen(self._send("execute_request", content, {"cellId": cell_id}))
        self.log += [m["content"] for m in said if m["header"]["msg_type"] == "error"]
        return said

    def choose(self, said, option):
        """Choose in the prediction that a cell has shown; return what the page is told."""
        views = [
            m["content"]["data"][VIEW]["model_id"]
            for m in said
            if VIEW in m["content"].get("data", {})
        ]
        data = {"method": "update", "state": {"chosen": option}, "buffer_paths": []}
        return self._listen(self._send("comm_msg", {"comm_id": views[-1], "data": data}))


def text(said):
    """Return what a cell printed."""
    return "".join(m["content"]["text"] for m in said if m["header"]["msg_type"] == "stream")
