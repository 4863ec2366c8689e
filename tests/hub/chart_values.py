"""The part of Zero to JupyterHub's values that deploy/values.yaml touches, as a JSON schema.

Written by hand from the reference of chart 4, so that a test needs no network: names and kinds, and
like the chart's own schema it refuses any other name. Where the chart requires a part that its own
default values bring (Helm checks the two together), nothing is required here.
"""

TEXT = {"type": ["string", "null"]}
WHOLE = {"type": ["integer", "null"]}
NUMBER = {"type": ["number", "null"]}
AMOUNT = {"type": ["number", "string", "null"]}  # of memory: 800M, or bytes
SWITCH = {"type": "boolean"}
ANY = {}


def closed(**properties):
    """Describe a mapping with these names and no others."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


def names(text):
    """Describe parts that may be there, and that we leave alone."""
    return dict.fromkeys(text.split(), ANY)


SINGLEUSER = closed(
    image=closed(
        name={"type": "string"}, tag={"type": "string"}, **names("pullPolicy pullSecrets")
    ),
    cmd={"type": ["array", "string", "null"]},
    defaultUrl=TEXT,
    startTimeout=WHOLE,
    memory=closed(guarantee=AMOUNT, limit=AMOUNT),
    cpu=closed(guarantee=NUMBER, limit=NUMBER),
    storage=closed(
        capacity=TEXT,
        type={"enum": ["dynamic", "static", "none"]},
        homeMountPath={"type": "string"},
        **names("dynamic static extraLabels extraVolumes extraVolumeMounts"),
    ),
    uid=WHOLE,
    fsGid=WHOLE,
    extraEnv={"type": ["object", "array"]},
    **names("extraFiles networkPolicy nodeSelector profileList lifecycleHooks cloudMetadata"),
)
CULL = closed(
    enabled=SWITCH,
    timeout=WHOLE,
    every=WHOLE,
    maxAge=WHOLE,
    concurrency=WHOLE,
    **names("users adminUsers removeNamedServers"),
)
SCHEDULING = closed(
    userScheduler=closed(enabled=SWITCH, replicas={"type": "integer"}, **names("resources")),
    podPriority=closed(enabled=SWITCH, globalDefault=SWITCH),
    userPlaceholder=closed(enabled=SWITCH, replicas={"type": "integer"}, **names("resources")),
    **names("corePods userPods"),
)
HUB = closed(
    concurrentSpawnLimit=WHOLE,
    activeServerLimit=WHOLE,
    # from chart 4.3 on: classes by name, nothing else
    config={
        "type": "object",
        "additionalProperties": False,
        "patternProperties": {"^[A-Z]": {"type": "object"}},
    },
    services={"type": "object"},
    loadRoles={"type": "object"},
    **names("extraConfig extraFiles extraEnv networkPolicy resources db"),
)
VALUES = closed(
    singleuser=SINGLEUSER,
    cull=CULL,
    prePuller=closed(
        hook=closed(enabled=SWITCH, pullOnlyOnChanges=SWITCH),
        continuous=closed(enabled=SWITCH),
        **names("extraImages pullProfileListImages"),
    ),
    scheduling=SCHEDULING,
    hub=HUB,
    **names("proxy ingress rbac debug custom global imagePullSecrets"),
)
