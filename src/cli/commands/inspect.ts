import { stat } from "node:fs/promises";
import { Command, Option } from "@commander-js/extra-typings";
import { describeModel, readModel } from "../../onnx/index.ts";

import { readTwin } from "../../twin/index.ts";
import { modelText, twinText } from "../inspect-text.ts";
import { examples, options } from "../options.ts";
import { print } from "../terminal.ts";

export const inspectCommand = () =>
  new Command("inspect")
    .description("Show what a twin promises and how it was made, or what each layer of a model costs.")
    .argument("<twin|model.onnx>")
    .addOption(new Option("--json", "as JSON"))
    .addOption(options.debug())
    .addHelpText("after", examples("inspect models/fashion-mnist/twin", "inspect resnet56.onnx"))
    .action(async (path, flags) => {
      const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
      if (isFolder) {
        const { manifest } = await readTwin(path);
        print(flags.json ? JSON.stringify(manifest, null, 2) : twinText(path, manifest));
        return;
      }
      const description = describeModel(readModel(path));
      print(flags.json ? JSON.stringify(description, null, 2) : modelText(path, description));
    });
