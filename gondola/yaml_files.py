"""Files that people write: read, checked against a model, and what is wrong named so that it can be found."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from gondola.errors import ConfigurationError

__all__ = ["Strict", "hint", "load_yaml"]

_Model = TypeVar("_Model", bound=BaseModel)
_LABELS = ("id", "name")  # what tells an item of a list from the others


class Strict(BaseModel):
    """A part of such a file: a key that nobody would act on is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def load_yaml(path: Path, model: type[_Model], *, what: str, setting: str | None = None) -> _Model:
    """Read a YAML file into its model; an empty file is all defaults, where everything has one.

    Args:
        path: The file.
        model: What it must look like.
        what: What the file is, for messages.
        setting: The variable that may name another file.

    Raises:
        ConfigurationError: The file is missing, is no YAML, or holds something that can't be used. The message names
            each place, and shows no value: what stands there by mistake may be a secret.
    """
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        todo = f"create it, or set {setting}" if setting else "restore it"
        message = f"{what} {path} can't be read: {error.strerror or error}; {todo}"
        raise ConfigurationError(message) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{what} {path} is not valid YAML: {error}"
        raise ConfigurationError(message) from None
    if document is None and not any(field.is_required() for field in model.model_fields.values()):
        document = {}
    try:
        return model.model_validate(document)
    except ValidationError as error:
        message = f"{what} {path}: " + "; ".join(_complaints(error, document, model))
        raise ConfigurationError(message) from None


def hint(name: str, known: Sequence[str]) -> str:
    """What a person may have meant.

    Args:
        name: The name that nobody knows.
        known: Those that exist.
    """
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(known) or 'none'}"


def _complaints(error: ValidationError, document: Any, model: type[BaseModel]) -> Iterator[str]:
    for item in error.errors(include_input=False, include_url=False):
        reason = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            reason = f"unknown field; {hint(str(item['loc'][-1]), _known_fields(model, item['loc']))}"
        yield f"{_where(item['loc'], document)}: {reason}"


def _where(loc: Sequence[int | str], document: Any) -> str:
    """A path a person can find, such as `stores[bistek].regions[norte].id`."""
    here, text = document, ""
    for step in loc:
        if isinstance(step, int):
            here = here[step] if isinstance(here, list) and step < len(here) else None
            labels = [here[key] for key in _LABELS if key in here] if isinstance(here, dict) else []
            text += f"[{labels[0] if labels else step}]"
        else:
            here = here.get(step) if isinstance(here, dict) else None
            text += f".{step}" if text else step
    return text or "the file"


def _known_fields(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """The fields of the model that an unknown one stands in."""
    for step in loc[:-1]:
        if isinstance(step, str) and step in model.model_fields:
            model = _model_in(model.model_fields[step].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
