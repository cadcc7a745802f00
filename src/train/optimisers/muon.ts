import { attr, type GraphBuilder, int64, scalar, sizeOf } from "../../onnx/index.ts";
import { emitPieces, type Parameter } from "../parameters.ts";
import type { Optimiser } from "./optimiser.ts";
import { sgd } from "./sgd.ts";

export interface MuonOptions {
  /** Of the weights; default 0.6. */
  readonly momentum?: number;
  /** Newton-Schulz iterations; default 3. */
  readonly steps?: number;
  /**
   * Gives every convolution's weights the norm sqrt(outputs) before each step; default false. For layers that
   * normalisation follows, where the length of a filter means nothing.
   */
  readonly renormalise?: boolean;
  /** The rule for biases and normalisation; `rate` is a share of the weights' learning rate, default 0.2. */
  readonly others?: { readonly momentum?: number; readonly weightDecay?: number; readonly rate?: number };
}

/**
 * Momentum, then orthogonalised: the step of a weight seen as a matrix [outputs, rest] has all singular values near 1.
 * What is no matrix is updated by SGD with Nesterov's momentum.
 *
 * Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
 */
export function muon({ momentum = 0.6, steps = 3, renormalise = false, others = {} }: MuonOptions = {}): Optimiser {
  const { rate: share = 0.2, ...rule } = others;
  return {
    stateCount: 1,
    emit(inputs) {
      const { b, layout, rate } = inputs;
      const plain = sgd(rule).emit({ ...inputs, rate: b.op("Mul", [rate, b.constant(scalar(share))]) });
      const pieces = (flat: string): string[] => emitPieces(b, flat, layout);
      const [weights, gradients, velocities] = [inputs.parameters, inputs.gradient, inputs.state[0]!].map(pieces);
      const [plainWeights, plainVelocities] = [plain.parameters, plain.state[0]!].map(pieces);
      const updated = layout.map((parameter, i) => {
        if (parameter.dims.length < 2) return { weight: plainWeights![i]!, velocity: plainVelocities![i]! };
        const { velocity, direction } = nesterov(b, velocities![i]!, gradients![i]!, momentum);
        const start =
          renormalise && parameter.dims.length > 2 ? renormalised(b, weights![i]!, parameter) : weights![i]!;
        const move = b.op("Mul", [orthogonalised(b, direction, parameter, steps), rate]);
        return { weight: b.op("Sub", [start, move]), velocity };
      });
      const join = (values: readonly string[]): string => b.op("Concat", values, { axis: 0 });
      return {
        parameters: join(updated.map(({ weight }) => weight)),
        state: [join(updated.map(({ velocity }) => velocity))],
      };
    },
  };
}

/** `v = m v + g`, and the direction `g + m v`. */
function nesterov(b: GraphBuilder, velocity: string, gradient: string, momentum: number) {
  const kept = (value: string): string => b.op("Mul", [value, b.constant(scalar(momentum))]);
  const next = b.op("Add", [kept(velocity), gradient]);
  return { velocity: next, direction: b.op("Add", [gradient, kept(next)]) };
}

const norm = (b: GraphBuilder, value: string): string =>
  b.op("Sqrt", [b.op("ReduceSum", [b.op("Mul", [value, value])], { keepdims: 0 })]);

function renormalised(b: GraphBuilder, weight: string, { dims }: Parameter): string {
  return b.op("Mul", [weight, b.op("Div", [b.constant(scalar(Math.sqrt(dims[0]!))), norm(b, weight)])]);
}

/** Of the quintic `a X + (b + c X X') X X' X`, which takes singular values in 0..1 towards 1. */
const quintic = { a: 3.4445, b: -4.775, c: 2.0315 };

/** The nearest matrix with orthonormal rows or columns, roughly, by Newton-Schulz iterations; flat, as its input is. */
function orthogonalised(b: GraphBuilder, flat: string, { dims, size }: Parameter, steps: number): string {
  const shape = [dims[0]!, sizeOf(dims.slice(1))] as const;
  const tall = shape[0] > shape[1];
  const turned = (value: string): string => (tall ? b.op("Transpose", [value], { perm: [1, 0] }) : value);
  const unit = b.op("Div", [flat, b.op("Add", [norm(b, flat), b.constant(scalar(1e-7))])]);
  let x = turned(b.op("Reshape", [unit, b.constant(int64(shape))]));
  for (let i = 0; i < steps; i++) {
    const gram = b.op("Gemm", [x, x], { transB: 1 });
    const factor = b.op("Gemm", [gram, gram, gram], { alpha: attr.float(quintic.c), beta: attr.float(quintic.b) });
    x = b.op("Gemm", [factor, x, x], { beta: attr.float(quintic.a) });
  }
  return b.op("Reshape", [turned(x), b.constant(int64([size]))]);
}
