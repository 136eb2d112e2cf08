"""Which VLM vLLM serves, and with which flags. Anything else is served by naming it; a profile only spares the flags."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PICTURES = 4  # that one question can hold: reference, whole part, heat map, close-up
STRUCTURED = {"backend": "xgrammar", "disable_any_whitespace": True}  # else a small model may write blanks until max_tokens


@dataclass(frozen=True, slots=True)
class Profile:
    """One model and how it is served."""

    model: str  # as the model hub calls it, or a folder
    weights_gib: float  # of its weights in bfloat16, by its number of parameters; nothing else is counted
    licence: str
    source: str  # where licence, size and flags are said
    flags: tuple[str, ...] = ()
    max_model_len: int = 8192  # tokens of question and answer; one question takes about 1,500
    calls: str = "hermes"  # how it writes a call of a tool: a name of vLLM's --tool-call-parser


QUIET = ("--default-chat-template-kwargs", json.dumps({"enable_thinking": False}))  # an answer, no thoughts before it
HUB, RECIPES = "https://huggingface.co", "https://recipes.vllm.ai"

PROFILES: Mapping[str, Profile] = {
    "qwen3-vl-4b": Profile("Qwen/Qwen3-VL-4B-Instruct", 8.3, "Apache-2.0", f"{HUB}/Qwen/Qwen3-VL-4B-Instruct"),
    "qwen3-vl-8b": Profile("Qwen/Qwen3-VL-8B-Instruct", 16.4, "Apache-2.0", f"{HUB}/Qwen/Qwen3-VL-8B-Instruct"),
    "qwen3-vl-2b": Profile("Qwen/Qwen3-VL-2B-Instruct", 4.0, "Apache-2.0", f"{HUB}/Qwen/Qwen3-VL-2B-Instruct"),
    "qwen3.5-0.8b": Profile("Qwen/Qwen3.5-0.8B", 1.5, "Apache-2.0", f"{HUB}/Qwen/Qwen3.5-0.8B", QUIET, calls="qwen3_coder"),
    "qwen3.5-2b": Profile("Qwen/Qwen3.5-2B", 3.7, "Apache-2.0", f"{HUB}/Qwen/Qwen3.5-2B", QUIET, calls="qwen3_coder"),
    "qwen3.5-4b": Profile("Qwen/Qwen3.5-4B", 7.5, "Apache-2.0", f"{HUB}/Qwen/Qwen3.5-4B", QUIET, calls="qwen3_coder"),
    "qwen3.5-9b": Profile("Qwen/Qwen3.5-9B", 16.8, "Apache-2.0", f"{HUB}/Qwen/Qwen3.5-9B", QUIET, calls="qwen3_coder"),
    "gemma-4-e4b": Profile("google/gemma-4-E4B-it", 14.0, "Apache-2.0", f"{RECIPES}/Google/gemma-4-E4B-it", QUIET, calls="gemma4"),
    "minicpm-v-4.6": Profile("openbmb/MiniCPM-V-4.6", 2.4, "Apache-2.0", f"{RECIPES}/openbmb/MiniCPM-V-4.6", ("--trust-remote-code",)),
    "internvl3.5-4b": Profile("OpenGVLab/InternVL3_5-4B", 8.8, "Apache-2.0", f"{HUB}/OpenGVLab/InternVL3_5-4B", ("--trust-remote-code",)),
    "hyperclovax-seed-vision-3b": Profile(
        "naver-hyperclovax/HyperCLOVAX-SEED-Vision-Instruct-3B",
        6.8,
        "hyperclovax-seed",
        f"{HUB}/naver-hyperclovax/HyperCLOVAX-SEED-Vision-Instruct-3B",
        ("--trust-remote-code",),
    ),
}
DEFAULT = "qwen3-vl-4b"


def profile_of(name: str) -> Profile:
    """A profile by its name; any other name is a model with plain flags.

    >>> profile_of("qwen3-vl-2b").model
    'Qwen/Qwen3-VL-2B-Instruct'
    >>> profile_of("somebody/Some-VL").flags
    ()
    """
    return PROFILES.get(name) or Profile(name, 0.0, "unknown", "")


def command(
    profile: Profile, *, python: str, host: str, port: int, served_name: str = "", revision: str = "", more: Sequence[str] = ()
) -> list[str]:
    """The command that serves a profile; `more` comes last, so that it overrides.

    >>> command(profile_of("m"), python="python", host="127.0.0.1", port=8000)[:5]
    ['python', '-m', 'vllm.entrypoints.openai.api_server', '--model', 'm']
    """
    said = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", profile.model, "--host", host, "--port", str(port)]
    said += ["--max-model-len", str(profile.max_model_len), "--limit-mm-per-prompt", json.dumps({"image": PICTURES, "video": 0})]
    said += ["--structured-outputs-config", json.dumps(STRUCTURED), "--enable-prefix-caching", *profile.flags]
    said += ["--enable-auto-tool-choice", "--tool-call-parser", profile.calls]  # else the chat's assistant is refused
    said += ["--served-model-name", served_name] if served_name else []
    said += ["--revision", revision] if revision else []
    return [*said, *more]
