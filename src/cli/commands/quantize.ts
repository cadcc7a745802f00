import { realpath } from "node:fs/promises";
import { Command, Option } from "@commander-js/extra-typings";
import { imageBatches, quantizeModel, rangeMethods } from "../../compress/index.ts";
import { loadPreprocessing } from "../../data/index.ts";
import { UsageError } from "../../errors.ts";
import { readModel, writeModel } from "../../onnx/index.ts";
import { openSelection } from "../images.ts";
import { writeJson } from "../json.ts";
import { examples, options, withSelection } from "../options.ts";
import { parseFraction } from "../parse.ts";
import { quantizationText } from "../quantization-text.ts";
import { interruptible } from "../run.ts";
import { print, Terminal } from "../terminal.ts";

export const quantizeCommand = () =>
  withSelection(
    new Command("quantize")
      .description("Make the static int8 form of an ONNX classifier (QDQ, weights per channel). No labels are needed.")
      .argument("<model.onnx>")
      .addOption(options.data())
      .addOption(options.preprocess())
      .addOption(new Option("-o, --output <model.onnx>", "file to write").makeOptionMandatory())
      .addOption(
        new Option("--min-agreement <share>", "give nodes back to float32 until so many answers stay").argParser(
          parseFraction,
        ),
      )
      .addOption(new Option("--method <method>", "how ranges of activations are chosen").choices(rangeMethods))
      .addOption(options.weightBits()),
  )
    .addOption(options.force())
    .addOption(options.json())
    .addOption(options.quiet())
    .addOption(options.debug())
    .addHelpText(
      "after",
      examples(
        "quantize resnet56.onnx --data photos/ --preprocess cifar10 -o resnet56-int8.onnx",
        "quantize model.onnx --data photos/ --preprocess imagenet --min-agreement 99% -o model-int8.onnx",
      ),
    )
    .action((path, flags) =>
      interruptible(async (signal) => {
        const terminal = new Terminal(flags);
        await refuseTaken(flags.output, path, flags.force);
        const preprocessing = loadPreprocessing(flags.preprocess);
        const model = readModel(path);
        const images = await openSelection(flags, signal);
        const progress = terminal.progress("reading", images.count);
        try {
          const batches = imageBatches(model, preprocessing, images, {
            signal,
            onProgress: (n) => progress.advance(n),
          });
          const { minAgreement, method, weightBits } = flags;
          const quantized = await quantizeModel(model, batches, {
            signal,
            ...(minAgreement === undefined ? {} : { minAgreement }),
            ...(method === undefined ? {} : { method }),
            ...(weightBits === undefined ? {} : { weightBits }),
          });
          progress.stop();
          await writeModel(flags.output, quantized.model);
          if (flags.json !== undefined) await writeJson(flags.json, quantized.report);
          if (flags.json !== true) print(quantizationText(flags.output, quantized.report));
        } finally {
          progress.stop();
        }
      }),
    );

/** Throws UsageError when the output is the input, by whatever path, or exists and may not be replaced. */
async function refuseTaken(output: string, input: string, force: boolean): Promise<void> {
  const [there, read] = await Promise.all([output, input].map((path) => realpath(path).catch(() => undefined)));
  if (there === undefined) return;
  if (there === read) throw new UsageError(`${output} is the model to quantize; choose another -o`);
  if (!force) throw new UsageError(`${output} exists already; choose another -o, or add --force to replace it`);
}
