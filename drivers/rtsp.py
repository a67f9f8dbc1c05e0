"""A plain camera or recorder of which only the streams can be looked at. Pure; tells `<camera>.video` and nothing else.

OPTIONS proves nothing and a description little: a camera is well when packets of its picture flow. One that shows none is
looked at three times before it is said to be lost. 404 is neither: the recorder has no such channel, or calls it otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from drivers import DriverKind, recorder
from drivers.duration import Seconds  # noqa: TC001 pydantic reads it
from drivers.recorder import Findings, RecorderOptions, Video, points_of
from sentinel.core.model import Failure, Role, Value
from sentinel.ports import LinkError, Round, RtspReply, RtspRequest, Speech

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Sequence
    from typing import Any, Self

    from drivers.described import Described
    from sentinel.core.model import Reading
    from sentinel.ports import Moment

LOOKS = 3  # the first after a quiet hour may come while the stream is still being made
FLOWS = 2  # packets; one alone may be left over
CHANNEL = "{channel}"


class RtspRecorderOptions(RecorderOptions):
    """Where the streams are: "/Streaming/Channels/{channel}02", "/cam/realmonitor?channel={channel}&subtype=1"."""

    driver: Literal["rtsp"]
    path: Annotated[str, StringConstraints(pattern=r"^/[!-\"$-~]*$", max_length=300)]
    frames: Annotated[Seconds, Field(gt=0, le=10, description="how long packets are counted")] = 3.0
    state_every: Seconds = 120.0  # each look makes the recorder start a stream

    @model_validator(mode="after")
    def _a_path_a_camera(self) -> Self:
        if len(self.cameras) > 1 and CHANNEL not in self.path:
            raise ValueError(f"path: write {CHANNEL} where the camera's number stands, or all look at one picture")
        return self


class RtspRecorder:
    """ports.Assessor for one device."""

    def __init__(
        self, device: str, profile: object, options: RtspRecorderOptions, urgent: Collection[str] = ()
    ) -> None:
        del profile, urgent
        self._device, self._options = device, options

    def rounds(self) -> Sequence[Round]:
        """The streams; then what a stream cannot tell, so that nobody waits for it."""
        options = self._options
        every = {"state": options.state_every, "proof": options.proof_every, "history": options.history_every}
        return [Round(name, float(s), points_of(options, self._device, name)) for name, s in every.items()]

    def assess(self, name: str, moment: Moment) -> Generator[Sequence[Any], Sequence[Any], list[Reading]]:
        """One round: all streams side by side, those without packets again."""
        values: dict[str, Value | Failure] = {}
        doubtful = list(self._options.cameras) if name == "state" else []
        for _ in range(LOOKS):
            if not doubtful:
                break
            answers = yield [self._look(camera) for camera in doubtful]
            values |= {f"{id_}.video": _seen(answer) for id_, answer in zip(doubtful, answers, strict=True)}
            doubtful = [id_ for id_ in doubtful if values[f"{id_}.video"] == Video.LOST]
        return Findings(self._device, moment.at, values).readings(points_of(self._options, self._device, name))

    def _look(self, id_: str) -> RtspRequest:
        number = str(self._options.cameras[id_].channel)
        return RtspRequest(self._options.path.replace(CHANNEL, number), float(self._options.frames))


def _seen(answer: RtspReply | LinkError) -> Value | Failure:
    match answer:
        case LinkError():
            return answer.failure
        case RtspReply(status=200):
            return str(Video.OK if answer.video and answer.packets >= FLOWS else Video.LOST)
        case RtspReply(status=403 | 404):
            return Failure.UNSUPPORTED
        case _:
            return Failure.REFUSED


def points(options: RtspRecorderOptions) -> list[Described]:
    """Those of every recorder; its pictures are not judged, for a stream gives none that could be kept."""
    return [point for point in recorder.points(options) if point.role is not Role.CAMERA_PICTURE]


DRIVER = DriverKind(RtspRecorderOptions, RtspRecorder, Speech.RTSP, points)
