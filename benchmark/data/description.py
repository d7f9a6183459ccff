"""Datasets of one's own, described by a small TOML file. It is data and never executed.

    # roofs.toml
    kind = "segmentation"
    classes = ["ground", "roof", "tree"]        # label 0, 1, 2; or classes = {3 = "roof"}
    ignore = [255]
    [splits.train]
    images = "roofs/images/train"               # relative to the data root
    labels = "roofs/labels/train"
    [splits.val]
    images = "roofs/images/val"
    labels = "roofs/labels/val"

Every key is checked before anything is looked for on disk. Imports no torch.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from benchmark.errors import DataError, did_you_mean

SUFFIX = ".toml"
"""What names of descriptions end with."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_MOST_CLASSES = 255  # of 8-bit maps, one value being left for what is ignored


def _inside(text: str) -> str:
    """Refuses a path that is not below the data root."""
    _one_line(text)
    path = PurePosixPath(text)
    if path.is_absolute() or Path(text).is_absolute():
        raise ValueError(f"{text!r} is absolute; write it relative to the data root, and give --data-root")
    if ".." in path.parts:
        raise ValueError(f"{text!r} leaves the data root; write it relative to the data root")
    if not text.strip():
        raise ValueError("the path is empty")
    return path.as_posix()


def _one_line(text: str) -> str:
    """Refuses what tables and messages cannot show."""
    if not text.isprintable():
        raise ValueError(f"{text!r} holds line breaks or other characters that cannot be printed")
    return text


def _named_classes(given: Any) -> Any:
    """Takes names in the order of their labels, or a table from label to name."""
    if isinstance(given, list):
        return dict(enumerate(given))
    if not isinstance(given, Mapping):
        raise ValueError('write a list of names, ["ground", "roof"], or a table from label to name, {3 = "roof"}')
    strange = next((label for label in given if not str(label).isdecimal()), None)
    if strange is not None:
        raise ValueError(f'{strange!r} is not a label; labels are whole numbers, as in {{3 = "roof"}}')
    return {int(label): name for label, name in sorted(given.items(), key=lambda each: int(each[0]))}


def _distinct(classes: Mapping[int, str]) -> Mapping[int, str]:
    if len(classes) < 2:
        raise ValueError(f"there is {'one' if classes else 'no'} class; a benchmark needs at least two")
    if len(classes) > _MOST_CLASSES:
        raise ValueError(f"{len(classes)} classes are more than the {_MOST_CLASSES} that 8-bit label maps can hold")
    beyond = next((label for label in classes if not 0 <= label <= 255), None)
    if beyond is not None:
        raise ValueError(f"label {beyond} of {classes[beyond]!r} is beyond the 255 that 8-bit label maps can hold")
    names = list(classes.values())
    for name in names:
        if not name.strip():
            raise ValueError("a class has an empty name; write what it is called")
        _one_line(name)
        if names.count(name) > 1:
            raise ValueError(f"class {name!r} stands there twice; names must differ")
    return classes


Inside = Annotated[str, AfterValidator(_inside)]
Text = Annotated[str, AfterValidator(_one_line)]
Channel = Annotated[int, Field(ge=0, le=255, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
Colour = tuple[Channel, Channel, Channel]
Classes = Annotated[dict[int, str], BeforeValidator(_named_classes), AfterValidator(_distinct)]


class _Table(BaseModel):
    """Immutable; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class _LabelledSplit(_Table):
    """A split of a segmentation dataset."""

    images: Inside
    """Folder of images."""

    labels: Inside
    """Folder of label maps, PNG; one for each image, of the same stem."""


class _DepthSplit(_Table):
    """A split of a depth dataset: two folders, or a list."""

    images: Inside | None = None
    """Folder of images."""

    depths: Inside | None = None
    """Folder of 16-bit PNG depth maps; one for each image, of the same stem."""

    list: Inside | None = None
    """File with a line "image depth" for each image, both relative to the data root."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        folders = (self.images, self.depths)
        if (self.list is None) == (folders == (None, None)):
            raise ValueError("give either images and depths, or list, and not both")
        if self.list is None and None in folders:
            raise ValueError(f"{'images' if self.images is None else 'depths'} is missing beside the other")
        return self


class _ClassifiedSplit(_Table):
    """A split of a classification dataset: a folder, or a list."""

    images: Inside | None = None
    """Folder with a folder of images for each class."""

    list: Inside | None = None
    """CSV file with a line "path,label" for each image, paths relative to the data root."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.list is None) == (self.images is None):
            raise ValueError("give either images or list, and not both")
        return self


class _Description(_Table):
    title: Text | None = None
    """Name as a person writes it; the file's stem by default."""

    splits: dict[str, Any]
    """By name; "train" and "val" are needed."""

    @field_validator("splits")
    @classmethod
    def _needed(cls, splits: dict[str, Any]) -> dict[str, Any]:
        for name in ("train", "val"):
            if name not in splits:
                raise ValueError(f"there is no [splits.{name}]; heads are trained on train and scored on val")
        seen: dict[Any, str] = {}
        for name, split in splits.items():
            if split in seen:
                raise ValueError(
                    f"[splits.{name}] names the same files as [splits.{seen[split]}]; each needs images of its own"
                )
            seen[split] = name
        return splits


class SegmentationDescription(_Description):
    """Images with a label for each pixel."""

    kind: Literal["segmentation"]
    classes: Classes
    """Names by label, in the order of the labels."""

    ignore: tuple[Channel, ...] = (255,)
    """Labels that are not scored."""

    palette: tuple[Colour, ...] | None = None
    """Colour of each class, in the order of the classes, where label maps are RGB pictures."""

    ignore_palette: tuple[Colour, ...] = ()
    """Colours that are not scored."""

    image_suffix: str | None = None
    """What names of images end with, after the stem they share with their label map; any image suffix by default."""

    label_suffix: str = ".png"
    """The same for label maps: "_mask.png"."""

    splits: dict[str, _LabelledSplit]

    @field_validator("label_suffix", "image_suffix")
    @classmethod
    def _has_a_dot(cls, suffix: str | None) -> str | None:
        if suffix is not None and not re.search(r"\.\w+$", suffix):
            raise ValueError(f'{suffix!r} is not a file suffix; write it with its dot, "_mask.png"')
        return suffix

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        both = next((label for label in self.ignore if label in self.classes and self.palette is None), None)
        if both is not None:
            raise ValueError(
                f"label {both} is class {self.classes[both]!r} and in ignore, which is [255] unless given; drop it "
                "from one of the two"
            )
        if self.palette is None:
            if self.ignore_palette:
                raise ValueError("ignore_palette belongs to palette, which is not given")
            return self
        if list(self.classes) != list(range(len(self.classes))):
            raise ValueError("with a palette, classes are a list of names in the order of the colours, not a table")
        if len(self.palette) != len(self.classes):
            raise ValueError(f"palette has {len(self.palette)} colours for {len(self.classes)} classes; give one each")
        colours = [*self.palette, *self.ignore_palette]
        twice = next((colour for colour in colours if colours.count(colour) > 1), None)
        if twice is not None:
            raise ValueError(f"colour {list(twice)} stands there twice; colours must differ")
        return self


class DepthDescription(_Description):
    """Images with a depth for each pixel."""

    kind: Literal["depth"]
    per_metre: Positive
    """Units of the 16-bit values per metre: 1000 for millimetres. 0 means no measurement."""

    range: tuple[Positive, Positive]
    """Metres; depths strictly between are scored."""

    evaluation_crop: Literal["none", "eigen", "garg"] = "none"
    """Part of the image that is scored."""

    splits: dict[str, _DepthSplit]

    @field_validator("range")
    @classmethod
    def _rising(cls, ends: tuple[float, float]) -> tuple[float, float]:
        if ends[0] >= ends[1]:
            raise ValueError(f"{list(ends)} is reversed or empty; write the nearest depth first, then the farthest")
        return ends


class ClassificationDescription(_Description):
    """Images of one class each."""

    kind: Literal["classification"]
    splits: dict[str, _ClassifiedSplit]


Description = SegmentationDescription | DepthDescription | ClassificationDescription

_KINDS: dict[str, type[Description]] = {
    "segmentation": SegmentationDescription,
    "depth": DepthDescription,
    "classification": ClassificationDescription,
}


def read_description(path: Path) -> tuple[str, Description]:
    """Reads a description.

    Args:
        path: The TOML file.

    Returns:
        Name of the dataset, the file's stem; and the description.

    Raises:
        DataError: There is no such file, it is not TOML, or a key is missing, unknown or of the wrong kind.
    """
    content = _read_toml(path)
    name = path.stem
    if not _NAME.fullmatch(name):
        raise DataError(
            f"{path}: the file's stem names benchmark and column, so it is made of a to z, 0 to 9 and _, a letter "
            f"first; rename it, for example {_renamed(name)}{SUFFIX}"
        )
    return name, parse_description(content, str(path))


def _read_toml(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise DataError(f"{path} is a folder; give the path of a description, a TOML file")
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(f"there is no {path}; give the path of a description, docs/data.md shows one") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{path} is not TOML: {error}; docs/data.md shows a description") from error
    except RecursionError as error:
        raise DataError(f"{path} is not a description: its values are nested too deeply") from error


def parse_description(content: Mapping[str, Any], where: str) -> Description:
    """Checks what a TOML file or a record holds.

    Args:
        content: Plain values.
        where: What messages begin with.

    Raises:
        DataError: A key is missing, unknown or of the wrong kind.
    """
    kind = content.get("kind")
    model = _KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        what = "kind is missing" if kind is None else f"kind {kind!r} is unknown{did_you_mean(str(kind), _KINDS)}"
        raise DataError(f"{where}: {what}; write one of: {', '.join(_KINDS)}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise DataError(f"{where}: {_first_problem(error, model)}") from error


_WANTED = {
    "string_type": "write a text in quotes",
    "tuple_type": "write a list in square brackets",
    "dict_type": "write a table, [splits.train] for example",
    "model_type": "write a table, with its keys below [splits.train] for example",
}
"""How to mend a value of the wrong type; pydantic's own words name types of Python."""


def _first_problem(error: ValidationError, model: type[_Table]) -> str:
    """Writes the first problem on one line: which key, what is wrong, how to mend it."""
    first = error.errors()[0]
    places = [_bare(place) for place in first["loc"]]
    key = ".".join(places)
    if first["type"] == "extra_forbidden":
        owner, known = _owner(model, places)
        return f"{key}: unknown key{did_you_mean(places[-1], known)}; keys of {owner}: {', '.join(known)}"
    if first["type"] == "missing":
        return f"{key} is missing; {_needed(model, places)}"
    if first["type"] == "value_error":
        text = first["msg"].removeprefix("Value error, ")
    else:
        text = f"{_WANTED.get(first['type'], first['msg'])}; it is {_short(first['input'])}"
    return f"{key}: {text}" if key else text


def _bare(place: str | int) -> str:
    """Writes a key as TOML does: names that are more than a word in quotes."""
    text = str(place)
    return text if re.fullmatch(r"[\w-]+", text) else repr(text)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _owner(model: type[_Table], places: list[str]) -> tuple[str, list[str]]:
    """Returns what a key stands in and the keys that may stand there."""
    if places[0] == "splits" and len(places) > 2:
        return f"[splits.{places[1]}]", list(_split_model(model).model_fields)
    return "the file", list(model.model_fields)


def _needed(model: type[_Table], places: list[str]) -> str:
    """Says what a key that is missing is for."""
    owner = _split_model(model) if places[0] == "splits" and len(places) > 2 else model
    field = owner.model_fields.get(places[-1])
    if field is None or not field.description:
        return "write [splits.train] and [splits.val]" if places == ["splits"] else "docs/data.md shows a description"
    return f"it is the {field.description[0].lower()}{field.description[1:]}".rstrip(".")


def _split_model(model: type[_Table]) -> type[_Table]:
    return model.model_fields["splits"].annotation.__args__[1]


def _renamed(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return plain if _NAME.fullmatch(plain) else f"data_{plain}".rstrip("_")
