"""deploy/jupyterhub_config.py as it is, with what differs on a machine without Docker."""

import json
import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821
SETTINGS = json.loads(os.environ["HUB_SETTINGS"])
load_subconfig(SETTINGS["config"])  # noqa: F821

BIN = Path(sys.executable).parent
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = SETTINGS["homes"] + "/{username}"
# Root may write to a folder without write bits, unless it gives that right up.
WITHOUT_RIGHTS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
c.Spawner.cmd = [*(WITHOUT_RIGHTS if os.geteuid() == 0 else []), SETTINGS["starter"]]
c.Spawner.args = ["--allow-root"] if os.geteuid() == 0 else []
c.Spawner.environment.update(SETTINGS["environment"])
# No process of this machine may be kept from memory by the kernel's own means without a container.
c.Spawner.mem_limit = None
c.Spawner.cpu_limit = None

proxy, api, hub, service = SETTINGS["ports"]
c.JupyterHub.bind_url = f"http://127.0.0.1:{proxy}"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = hub
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{api}"
c.ConfigurableHTTPProxy.command = [str(BIN / "configurable-http-proxy")]
c.JupyterHub.services[-1]["url"] = f"http://127.0.0.1:{service}"
c.JupyterHub.db_url = "sqlite:///:memory:"
