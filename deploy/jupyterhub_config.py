"""JupyterHub for a class on one machine, each learner in a container of the course's image.

docs/classroom.md says what to install and how to start it. The settings of a class come from
outside, so that this file can stay as it is:

CLASS_PASSWORD, TEACHER_PASSWORD
    What learners log in with, under any name (8 characters at least), and the user ``teacher``
    (32 at least).
COURSE_IMAGE
    The image of deploy/Dockerfile, where it has another name.
COURSE_HALL
    Turns the hall's predictions on: the address of this hub as the containers reach it, such as
    http://172.17.0.1:8000.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import hall

c = get_config()  # noqa: F821 - the hub hands it to this file

# ---------------------------------------------------------------- the learner's server

c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
c.DockerSpawner.image = os.environ.get("COURSE_IMAGE", "vanishing-gradients:2026.11")
c.DockerSpawner.volumes = {"course-{username}": "/home/jovyan"}
c.DockerSpawner.remove = True  # the container; its volume, with all that the learner did, stays
# Docker's own network, in which the containers find the hub, and nobody else does.
c.JupyterHub.hub_ip = "172.17.0.1"
c.Spawner.cmd = ["course-singleuser"]
c.Spawner.default_url = "/lab/tree/vanishing-gradients/notebooks/00_start_here.ipynb"
# Seconds until the process is there, and until it answers: a whole class starts at once. (The hub's
# own 30 s for the second ended servers of a class of four on a busy machine.)
c.Spawner.start_timeout = 180
c.Spawner.http_timeout = 180
c.Spawner.mem_guarantee = "800M"
c.Spawner.mem_limit = "2G"
c.Spawner.cpu_limit = 2
c.JupyterHub.concurrent_spawn_limit = 40

# ---------------------------------------------------------------- who may come in

# For the hour of a class: who knows the password can come in under any name, another's included.
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = os.environ["CLASS_PASSWORD"]
c.SharedPasswordAuthenticator.admin_password = os.environ["TEACHER_PASSWORD"]
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"teacher"}

# ---------------------------------------------------------------- services

# A class that listens touches nothing for an hour, so a server ends after an hour and a half.
CULLER = [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=5400", "--cull-every=300"]
c.JupyterHub.services = [{"name": "cull", "command": CULLER}]
c.JupyterHub.load_roles = [
    {
        "name": "cull",
        "services": ["cull"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
if os.environ.get("COURSE_HALL"):
    hall.turn_on(c, os.environ["COURSE_HALL"], lecturers=["teacher"])
