"""The gRPC service that the engine talks to.

Written on the SDK's protocol classes rather than on pulumi.provider.experimental: that server drops the old inputs of a diff, answers
every error with a Python traceback, and cannot say that a resource was made but not finished.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from rehearsal.aws_provider import kinds
from rehearsal.aws_provider.aws import AWS_ERRORS, Aws, ResourceError, sentence
from rehearsal.aws_provider.diff import Difference
from rehearsal.aws_provider.functions import FUNCTIONS
from rehearsal.aws_provider.lifecycle import Autoname, InitializationError, Resource
from rehearsal.aws_provider.wire import Properties, from_struct, has_unknowns, to_struct

# Provider configuration: what is honoured, and what only tunes how the official plugin finds AWS.
HONOURED = frozenset({"region", "defaultTags", "maxRetries"})
IGNORED = frozenset(
    {
        *("endpoints", "pluginDownloadURL", "s3UsePathStyle", "skipCredentialsValidation", "skipMetadataApiCheck"),
        *("skipRegionValidation", "skipRequestingAccountId", "version"),
    }
)
# To the engine this code means that nothing was changed; UNKNOWN and INTERNAL would mean that nobody knows.
REFUSED = grpc.StatusCode.FAILED_PRECONDITION
DIFF_KINDS = {
    (False, False): provider_pb2.PropertyDiff.UPDATE,
    (False, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
    (True, False): provider_pb2.PropertyDiff.ADD,
    (True, True): provider_pb2.PropertyDiff.ADD_REPLACE,
}
REMOVALS = {False: provider_pb2.PropertyDiff.DELETE, True: provider_pb2.PropertyDiff.DELETE_REPLACE}


@dataclass(frozen=True, slots=True)
class _Status(grpc.Status):
    """A status with details, as gRPC wants it."""

    code: grpc.StatusCode
    details: str
    trailing_metadata: Any


Method = TypeVar("Method", bound=Callable[..., Any])


def answers(method: Method) -> Method:
    """What is refused reaches the user as one sentence; anything else that is raised is a defect and keeps its traceback."""

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: Any) -> Any:
        try:
            return method(self, request, context)
        except InitializationError as error:
            context.abort_with_status(_unfinished(error))
        except AWS_ERRORS as error:
            context.abort(REFUSED, sentence(error))

    return cast("Method", answer)


def _unfinished(error: InitializationError) -> _Status:
    failure = provider_pb2.ErrorResourceInitFailed(id=error.id, properties=to_struct(error.state), reasons=[error.reason])
    detail = any_pb2.Any()
    detail.Pack(failure)
    status = status_pb2.Status(code=REFUSED.value[0], message=error.reason, details=[detail])
    return _Status(REFUSED, error.reason, (("grpc-status-details-bin", status.SerializeToString()),))


class AwsProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Stateless but for the configuration: what is in AWS is asked of AWS."""

    def __init__(self) -> None:
        kinds.load()
        self._aws: Aws | None = None

    @property
    def aws(self) -> Aws:
        if self._aws is None:
            raise ResourceError("the stand-in aws provider was not configured")
        return self._aws

    def _resource(self, request: Any) -> Resource:
        token, name = request.urn.split("::")[2].split("$")[-1], request.urn.split("::", 3)[3]
        return Resource.of(token, name, self.aws)

    # --- the plugin -------------------------------------------------------------------------------------------

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi_aws"))

    def Attach(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    @answers
    def CheckConfig(self, request: Any, context: Any) -> Any:
        unknown = sorted(from_struct(request.news).keys() - HONOURED - IGNORED)
        reason = f"The stand-in aws provider takes {', '.join(sorted(HONOURED))} and ignores {', '.join(sorted(IGNORED))}."
        return provider_pb2.CheckResponse(inputs=request.news, failures=[_failure(name, reason) for name in unknown])

    @answers
    def Configure(self, request: Any, context: Any) -> Any:
        arguments = from_struct(request.args)
        self._aws = Aws(_region(arguments), _default_tags(arguments), _attempts(arguments))
        return provider_pb2.ConfigureResponse(supportsPreview=True, supports_autonaming_configuration=True)

    @answers
    def Invoke(self, request: Any, context: Any) -> Any:
        function = FUNCTIONS.get(request.tok)
        if function is None:
            known = ", ".join(sorted(FUNCTIONS))
            raise ResourceError(f"the stand-in aws provider does not implement the function {request.tok}; it implements {known}")
        try:
            result = function(self.aws, from_struct(request.args))
        except AWS_ERRORS as error:
            raise ResourceError(f"calling {request.tok.split(':')[-1]}: {sentence(error)}") from error
        response = provider_pb2.InvokeResponse()
        # `return` is a keyword of Python.
        getattr(response, "return").CopyFrom(to_struct(result))
        return response

    # --- resources --------------------------------------------------------------------------------------------

    @answers
    def Check(self, request: Any, context: Any) -> Any:
        options = request.autonaming
        disabled = options.mode == provider_pb2.CheckRequest.AutonamingOptions.DISABLE
        autoname = Autoname(options.proposed_name, request.randomSeed, disabled)
        inputs, problems = self._resource(request).check(from_struct(request.olds), from_struct(request.news), autoname)
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=[_failure(*each) for each in problems])

    @answers
    def Diff(self, request: Any, context: Any) -> Any:
        resource = self._resource(request)
        state, inputs = from_struct(request.olds), from_struct(request.news)
        found = resource.differences(state, inputs, request.ignoreChanges)
        replaces = sorted({each.path.split(".")[0] for each in found if each.replaces})
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted({each.path.split(".")[0] for each in found}),
            replaces=replaces,
            detailedDiff={each.path: provider_pb2.PropertyDiff(kind=_kind_of(each)) for each in found},
            hasDetailedDiff=True,
            deleteBeforeReplace=bool(replaces) and resource.must_delete_first(state, inputs),
        )

    @answers
    def Create(self, request: Any, context: Any) -> Any:
        resource, inputs = self._resource(request), from_struct(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=to_struct(resource.preview_created(inputs)))
        id_, state = resource.create(inputs)
        return provider_pb2.CreateResponse(id=id_, properties=to_struct(state))

    @answers
    def Read(self, request: Any, context: Any) -> Any:
        resource, inputs = self._resource(request), from_struct(request.inputs)
        state = resource.read(request.id, from_struct(request.properties))
        if state is None:
            return provider_pb2.ReadResponse()
        live = to_struct(state)
        shown = resource.inputs_of(from_struct(live), inputs)
        return provider_pb2.ReadResponse(id=request.id, properties=live, inputs=to_struct(shown))

    @answers
    def Update(self, request: Any, context: Any) -> Any:
        resource = self._resource(request)
        state, inputs = from_struct(request.olds), from_struct(request.news)
        change = resource.preview_updated(state, inputs, request.ignoreChanges) if request.preview else None
        updated = change if change is not None else resource.update(request.id, state, inputs, request.ignoreChanges)
        return provider_pb2.UpdateResponse(properties=to_struct(updated))

    @answers
    def Delete(self, request: Any, context: Any) -> Any:
        self._resource(request).delete(request.id, from_struct(request.properties))
        return empty_pb2.Empty()


def _failure(name: str, reason: str) -> Any:
    return provider_pb2.CheckFailure(property=name, reason=reason)


def _kind_of(difference: Difference) -> Any:
    if difference.wanted in (None, {}, []):
        return REMOVALS[difference.replaces]
    return DIFF_KINDS[difference.actual is None, difference.replaces]


def _region(arguments: Properties) -> str:
    region = arguments.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region or has_unknowns(region):
        raise ResourceError("no AWS region is configured; set aws:region or AWS_REGION")
    return region


def _attempts(arguments: Properties) -> int | None:
    """How often a call is made before it counts as failed; None leaves it to boto3."""
    given = arguments.get("maxRetries")
    return None if given is None else int(given)


def _default_tags(arguments: Properties) -> dict[str, str]:
    """Objects in a provider's configuration travel as JSON text."""
    given = arguments.get("defaultTags") or {}
    return (json.loads(given) if isinstance(given, str) else given).get("tags") or {}
