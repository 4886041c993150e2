"""The rules of `costcalc check`: what each checks, the reason, an example, and how to repair or accept a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping


class Rule(Record):
    """A rule. `severity` is that of its findings without `--strict`; `example` ends with the message of a finding."""

    title: str
    fails_when: str
    why: str
    example: str
    repair: str
    accept: str = ""
    severity: str = "error"


RULES: Mapping[str, Rule] = {
    "CC001": Rule(
        title="the spec has an error",
        fails_when=(
            "A spec cannot be read, or it is not a valid network. The exit status is 2. If it was broken at the base "
            "and is valid now, it counts as new, with a warning."
        ),
        why=(
            "A network that cannot be built has no cost, so its limits cannot be checked. A check that is not complete "
            "must not pass."
        ),
        example=(
            "layers:\n"
            "  - conv: {out: width, kernal: 3, padding: 1, bias: false}\n"
            "\n"
            "net.yaml:4:24: CC001 conv has no argument kernal"
        ),
        repair="Repair the spec at the location of the finding. The lines below it give the usual repair.",
    ),
    "CC101": Rule(
        title="a figure differs from expect",
        fails_when="A figure of the spec differs from the one in its expect section, in either direction.",
        why="expect states a published figure. A network that differs from it is another one, even if it is cheaper.",
        example=(
            "expect: {macs: 27_648}\n\nnet.yaml:2:17: CC101 macs 41,472 is not 27,648 (expect of the spec, +13,824)"
        ),
        repair="Undo the change. If the change is intended, write the new figure into expect.",
        accept=(
            'A [[waiver]] with rule = "CC101" and a reason accepts it, optionally up to a ceiling and until a date.'
        ),
    ),
    "CC102": Rule(
        title="over a budget",
        fails_when=(
            "A figure is larger than a budget of the spec, of costcalc.toml or of --max. A figure that is equal to the "
            "budget passes. From warn_at on, such as 95% of the budget, there is a warning."
        ),
        why=(
            "A budget is the most that the target can run. A finding in a pull request shows which change exceeds it, "
            "before the network is trained or deployed."
        ),
        example=(
            '[[budget]]\nmacs = "30k"\n\nnet.yaml:2:17: CC102 macs 41,472 > 30,000 (budget in costcalc.toml, +11,472)'
        ),
        repair=(
            "Lower the value at the location of the finding. If only one value changed, the help line gives the "
            "nearest value that fits."
        ),
        accept=(
            'If the budget is exceeded at the base as well, add only = "worse" to it: then it fails only if the figure '
            "is larger than at the base. To accept a change, raise the budget, which CC106 reports in review; or add a "
            '[[waiver]] with rule = "CC102", the spec, a ceiling, a reason and the date on which it expires.'
        ),
    ),
    "CC103": Rule(
        title="increased by more than allowed",
        fails_when=(
            "A figure is larger than at the base, or at the ref that the increase names, by more than is allowed: a "
            "percentage, or a number. The spec at that ref is analysed again, so nothing is stored."
        ),
        why=(
            "A budget far above the figures does not show small steps towards it. An increase shows each of them, and "
            'with against = "v1.0" also their sum.'
        ),
        example=(
            '[[increase]]\nmacs = "2%"\n\n'
            "net.yaml:2:17: CC103 macs 41,472 > 28,200 (increase in costcalc.toml: 2% over 27,648 at main, 13,272 too "
            "many)"
        ),
        repair="Lower the value at the location of the finding, or reduce the cost elsewhere in the same network.",
        accept='A [[waiver]] with rule = "CC103" and a ceiling accepts it once. A larger allowance accepts it always.',
    ),
    "CC104": Rule(
        title="the spec differs from its model",
        fails_when="A spec has other params or MACs than the model file that a [[match]] names for it.",
        why=(
            "A spec that is written by hand beside the model that is trained proves nothing about it, unless both are "
            "held together."
        ),
        example=(
            '[[match]]\nspec = "net.yaml"\nmodel = "net.onnx"\n'
            "\n"
            "costcalc.toml:1:1: CC104 net.yaml: macs 41,472, and 27,648 in net.onnx"
        ),
        repair=(
            "Change the spec or the model. The notes name the first layers that differ. An exporter may have folded "
            "norms into convolutions: then write the spec without them, or compare with a model that has them."
        ),
    ),
    "CC105": Rule(
        title="a waiver has expired or matches nothing",
        fails_when=(
            "The last day of a waiver is over, or none of the configured specs has a finding that it matches. It fails "
            "with --strict."
        ),
        why="An unused waiver accepts the next finding that it matches without a review.",
        example=(
            '[[waiver]]\nrule = "CC102"\nreason = "teacher network, #90"\nexpires = 2025-03-31\n'
            "\n"
            "costcalc.toml:9:1: CC105 warning: the waiver of CC102 expired on 2025-03-31 (teacher network, #90)"
        ),
        repair="Remove the waiver. If it is still needed, lower the cost or agree on a new date.",
        severity="warning",
    ),
    "CC106": Rule(
        title="limits were loosened",
        fails_when=(
            "Less is required of a spec than at the base, in whatever file the limit is written: a budget, an expect "
            "or an increase is higher, was removed, or applies to nothing because its layers or params were renamed; a "
            "waiver is new, has a higher ceiling or expires later; a spec that had limits is no longer checked. It "
            "fails with --strict."
        ),
        why="Otherwise, a pull request could pass by raising a limit or by renaming the layers of the limit.",
        example=(
            '[[budget]]\nmacs = "50k"\n'
            "\n"
            "costcalc.toml:4:8: CC106 warning: net.yaml: the budget on macs was changed from 30,000 to 50,000, against "
            "main"
        ),
        repair="If a name changed, write the new name into the limit. Otherwise restore the limit.",
        accept="Give the reason in the review. The finding disappears when the change is merged.",
        severity="warning",
    ),
    "CC201": Rule(
        title="an op reads an axis as something that it is not",
        fails_when=(
            "An op takes an axis for channels or features, and another axis has them: an op for maps reads tokens, or "
            "one for tokens reads a map. Also when nothing says whether the two axes of an input are channels and "
            "positions, or steps and features. It fails with --strict."
        ),
        why="The shapes fit, so the network is built, and its figures are those of another network.",
        example=(
            "input: [512, 7, 7]\n"
            "layers: [global_avgpool, linear: 1000]\n"
            "\n"
            "net.yaml:2:26: CC201 warning: linear takes axis 2 of [512, 1, 1] for the features; they are axis 0"
        ),
        repair=(
            "Write flatten or permute before the layer, or its axis. Name an input of steps and features tokens: "
            "input: {tokens: [196, 768]}."
        ),
        accept="allow: [CC201] beside the layer, or at the top of the spec, says that it is meant.",
        severity="warning",
    ),
    "CC202": Rule(
        title="an input looks channels-last, or has its batch in front",
        fails_when=(
            "An input of three sizes ends with at most 4 and has at least 16 before it; or one of four sizes has at "
            "most 4 in second place, as a batch of images has. It fails with --strict."
        ),
        why="Channels come first and the batch is given with --batch. In another order, every figure is wrong.",
        example="input: [224, 224, 3]\n\nnet.yaml:1:8: CC202 warning: input [224, 224, 3] looks like an image with "
        "its channels last",
        repair="Write the sizes without the batch, channels first: [3, 224, 224].",
        accept="allow: [CC202] at the top of the spec says that it is meant.",
        severity="warning",
    ),
    "CC203": Rule(
        title="nothing reads an output of a layer, or an input",
        fails_when="No layer and no output of the network reads a tensor. It fails with --strict.",
        why="The layer counts, but the network does the same without it: often a from: is missing, or wrong.",
        example=(
            "layers:\n"
            "  - {conv: {out: 8, kernel: 1}, name: a}\n"
            "  - {conv: {out: 8, kernel: 1}, from: input}\n"
            "\n"
            "net.yaml:2:6: CC203 warning: nothing reads the output of a"
        ),
        repair="Read it with from:, name it in output:, or remove the layer.",
        accept="allow: [CC203] beside the layer, or at the top of the spec, says that it is meant.",
        severity="warning",
    ),
    "CC204": Rule(
        title="a built-in block hides a default of the spec",
        fails_when=(
            "A block of costcalc is called without an argument, and its own default differs from the one that the spec "
            "gives to ops in the block under defaults. It fails with --strict."
        ),
        why="The default applies to the layers that the spec writes, but not to those of the block.",
        example=(
            "defaults: {linear: {bias: true}}\n"
            "layers: [swiglu: {hidden: 1024}]\n"
            "\n"
            "net.yaml:2:10: CC204 warning: the default bias: true of linear has no effect in swiglu, which uses false"
        ),
        repair="Give the block the argument: swiglu: {hidden: 1024, bias: true}.",
        accept="allow: [CC204] beside the layer, or at the top of the spec, says that it is meant.",
        severity="warning",
    ),
}
