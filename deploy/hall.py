"""The hall's predictions: a JupyterHub service that counts what the class chose, without names.

A learner's kernel sends the fingerprint of a question and the number of an option: no text, so
nobody can write on the hall's screen. Who sent it becomes a keyed hash under a key that dies with
this process; it only lets a changed mind replace a choice. Nothing is written to a disk or a log.
Fewer than FEWEST answers are shown to nobody, and a learner sees counts only after choosing.

``turn_on`` adds the service to a hub's configuration; run as a program, this file is the service.
"""

import ast
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado import httpserver, ioloop, web

HERE = Path(__file__).resolve().parent
FEWEST = 5  # answers below which nobody sees counts
LECTURE = "custom:hall:lecture"  # the right to look at the lecturer's page
ACCESS = "access:services!service=hall"
# What JupyterHub gives a learner's server anyway.
SERVER_SCOPES = ["users:activity!user", "access:servers!server"]


# ---------------------------------------------------------------- the hub's configuration


def turn_on(c, address, lecturers, port=10190):
    """Add the service to a hub's configuration `c`.

    `address` is that of the hub as the learners' servers reach it, `lecturers` the names of those
    who may look at the lecturer's page, `port` a free one of this machine.
    """
    service = {
        "name": "hall",
        "url": f"http://127.0.0.1:{port}",
        "command": [sys.executable, str(Path(__file__).resolve())],
        "oauth_client_allowed_scopes": [LECTURE],
        "oauth_no_confirm": True,
    }
    roles = [
        {"name": "user", "scopes": ["self", ACCESS]},
        {"name": "lecturer", "scopes": [LECTURE], "users": list(lecturers)},
    ]
    c.JupyterHub.services.append(service)
    c.JupyterHub.custom_scopes = {LECTURE: {"description": "See what the hall predicted."}}
    c.JupyterHub.load_roles.extend(roles)
    c.Spawner.server_token_scopes = [*SERVER_SCOPES, ACCESS]
    # a mapping that may not be there yet takes no item, but an update
    c.Spawner.environment.update({"COURSE_HALL": address.rstrip("/") + "/services/hall/"})


# ---------------------------------------------------------------- what is counted


def fingerprint(question, options):
    """Return what stands for a question on its way; helpers/exercises/hall.py makes the same."""
    return hashlib.sha256("\n".join([question, *options]).encode()).hexdigest()[:16]


def read_questions(folder):
    """Return fingerprint -> (lesson, question, options), in the order of the course."""
    questions = {}
    for path in sorted(folder.glob("[0-9]*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] != "code" or "predict(" not in source:
                continue
            for node in ast.walk(ast.parse(source)):
                # keywords (the sealed answer, the reason) are none of the hall's business
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "predict":
                    question, options = (ast.literal_eval(part) for part in node.args)
                    lesson = path.stem.replace("_", " ")
                    questions[fingerprint(question, options)] = (lesson, question, options)
    return questions


class Ballot:
    """What was chosen: one choice a learner and question."""

    def __init__(self, questions):
        self.questions = questions
        self._key = secrets.token_bytes(32)
        self._choices = {mark: {} for mark in questions}  # fingerprint -> {hash: option}

    def _hash(self, name, mark):
        # the question is part of it: nobody's choices in two questions can be put together
        return hmac.new(self._key, f"{mark}|{name}".encode(), hashlib.sha256).digest()

    def choose(self, name, mark, option):
        self._choices[mark][self._hash(name, mark)] = option

    def withdraw(self, name, mark):
        self._choices[mark].pop(self._hash(name, mark), None)

    def has_chosen(self, name, mark):
        return self._hash(name, mark) in self._choices[mark]

    def clear(self, mark):
        self._choices[mark].clear()

    def answers(self, mark):
        return len(self._choices[mark])

    def counts(self, mark):
        """Return the number of choices of each option, or None where they are too few."""
        if self.answers(mark) < FEWEST:
            return None
        counts = Counter(self._choices[mark].values())
        return [counts[option] for option in range(len(self.questions[mark][2]))]


# ---------------------------------------------------------------- the service


class Hall(web.RequestHandler):
    """What the handlers share: the ballot, and a question that exists."""

    def initialize(self, ballot):
        self.ballot = ballot

    def set_default_headers(self):
        # what an answer holds is for one person and one moment
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header(
            "Content-Security-Policy",
            "default-src 'none'; connect-src 'self'; frame-ancestors 'none'; "
            "script-src 'self'; style-src 'self'",
        )

    def write_error(self, status_code, **_):
        self.finish({"status": status_code})

    def log_exception(self, *error):
        """Log faults of this program only: a refusal would name who asked."""
        if not isinstance(error[1], web.HTTPError):
            super().log_exception(*error)

    def known(self, mark):
        if mark not in self.ballot.questions:
            raise web.HTTPError(404)
        return mark

    def write_counts(self, mark):
        self.write({"answers": self.ballot.answers(mark), "counts": self.ballot.counts(mark)})


class Choice(Hall):
    """A learner's kernel: it shows the token that its server got from the hub."""

    async def prepare(self):
        self.who = None
        token = self.request.headers.get("Authorization", "").removeprefix("token ")
        auth = HubOAuth.instance()
        user = await auth.user_for_token(token, sync=False) if token else None
        if not user or not auth.check_scopes(auth.access_scopes, user):
            raise web.HTTPError(403)
        self.who = user["name"]

    def check_xsrf_cookie(self):
        """Allow what it asks: a page of another site can't show the token."""

    def put(self, mark):
        options = self.ballot.questions[self.known(mark)][2]
        try:
            option = json.loads(self.request.body)["option"]
        except (ValueError, TypeError, KeyError):
            raise web.HTTPError(400) from None
        # True is an int, too
        if type(option) is not int or not 0 <= option < len(options):
            raise web.HTTPError(400)
        self.ballot.choose(self.who, mark, option)
        self.set_status(204)

    def delete(self, mark):
        self.ballot.withdraw(self.who, self.known(mark))
        self.set_status(204)

    def get(self, mark):
        if not self.ballot.has_chosen(self.who, self.known(mark)):
            raise web.HTTPError(403)
        self.write_counts(mark)


class Lecturer(HubOAuthenticated, Hall):
    """Whatever the lecturer's page asks: only with the right to it."""

    hub_scopes = frozenset([LECTURE])


class Page(Lecturer):
    @web.authenticated
    def get(self):
        assert self.xsrf_token  # asking for it sets the cookie that Clear has to show
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.write((HERE / "hall.html").read_bytes())


class Part(Hall):
    """The page's style and script, which hold nothing of anybody."""

    def get(self, name):
        kind = {"hall.css": "text/css", "hall.js": "text/javascript"}[name]
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.write((HERE / name).read_bytes())


class Questions(Lecturer):
    @web.authenticated
    def get(self):
        keys = ("lesson", "question", "options")
        questions = self.ballot.questions.items()
        self.write({mark: dict(zip(keys, parts, strict=True)) for mark, parts in questions})


class Answers(Lecturer):
    @web.authenticated
    def get(self):
        self.write({mark: self.ballot.answers(mark) for mark in self.ballot.questions})


class Counts(Lecturer):
    @web.authenticated
    def get(self, mark):
        self.write_counts(self.known(mark))

    @web.authenticated
    def delete(self, mark):
        self.ballot.clear(self.known(mark))
        self.set_status(204)


def application(prefix, questions):
    """Return the service as Tornado runs it."""
    shared = {"ballot": Ballot(questions)}
    mark = "([0-9a-f]{16})"
    handlers = [
        (prefix, Page, shared),
        (prefix + "(hall.css|hall.js)", Part, shared),
        (prefix + "questions", Questions, shared),
        (prefix + "answers", Answers, shared),
        (prefix + "counts/" + mark, Counts, shared),
        (prefix + "choices/" + mark, Choice, shared),
        (prefix + "oauth_callback", HubOAuthCallbackHandler),
    ]
    # no log of requests: it would say who chose when
    return web.Application(
        handlers, cookie_secret=secrets.token_bytes(32), log_function=lambda handler: None
    )


def main():
    """Serve until the hub ends this process."""
    questions = read_questions(HERE.parent / "notebooks")
    app = application(os.environ["JUPYTERHUB_SERVICE_PREFIX"], questions)
    address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    # a choice takes 20 bytes
    server = httpserver.HTTPServer(app, max_body_size=1000)
    server.listen(address.port, address.hostname)
    # the hub ends its services as a person does, by Ctrl-C
    with contextlib.suppress(KeyboardInterrupt):
        ioloop.IOLoop.current().start()


if __name__ == "__main__":
    main()
