"""Exports the official ONNX node tests for test/onnx/node-tests.test.ts.

    python -m venv venv && venv/bin/pip install onnx
    venv/bin/python bench/peers/onnx-node-tests.py FOLDER
    ONNX_NODE_TESTS=FOLDER npx vitest run test/onnx/node-tests.test.ts

Each test becomes two models: NAME.onnx is the test's own, NAME.data.onnx holds its inputs and expected outputs as
initializers input_0, input_1, ... and output_0, .... Tests on sequences, optionals and maps are left out.
"""

import sys
from pathlib import Path

import numpy
import onnx
from onnx import helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases


def export(case, folder: Path) -> bool:
    inputs, outputs = case.data_sets[0]
    tensors = [(f"input_{i}", value) for i, value in enumerate(inputs)]
    tensors += [(f"output_{i}", value) for i, value in enumerate(outputs)]
    if not all(isinstance(value, (numpy.ndarray, numpy.generic, onnx.TensorProto)) for _, value in tensors):
        return False
    graph = helper.make_graph([], case.name, [], [], [named_tensor(name, value) for name, value in tensors])
    (folder / f"{case.name}.onnx").write_bytes(case.model.SerializeToString())
    (folder / f"{case.name}.data.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    return True


def named_tensor(name: str, value) -> onnx.TensorProto:
    if isinstance(value, onnx.TensorProto):
        tensor = onnx.TensorProto()
        tensor.CopyFrom(value)
        tensor.name = name
        return tensor
    return numpy_helper.from_array(numpy.asarray(value), name)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    cases = [case for case in collect_testcases(None) if case.model is not None]
    exported = sum(export(case, folder) for case in cases)
    print(f"onnx {onnx.__version__}: {exported} of {len(cases)} node tests exported to {folder}")


if __name__ == "__main__":
    main()
