import { parseArgs } from 'node:util';
import { calibrated, card, exported, measured, split, train, untrained, type Run } from './pipeline.ts';
import { terminalProgress } from './progress.ts';
import { SETTINGS } from './training-settings.ts';
import { readBase } from './import-base.ts';
import { writeSafetensors } from './safetensors.ts';

const HELP = `node models/training/cli.ts <command> [options]

commands, each using what the earlier ones left in --work:
  import      base weights from a TFLite file or an exported model into <work>/base.safetensors
  split       decode, refuse copies and masks, divide 70/15/15 by patient: split.json
  train       head, then fine-tuning; goes on after an interruption
  calibrate   temperature, gate, distance and their limits
  evaluate    every number and plot, into <work>/evaluation
  export      the finished folder with its card
  card        MODEL_CARD.md and FHIR resources of a finished folder again
  all         split, train, calibrate, evaluate, export
  untrained   the base network with a random head, for tests of what surrounds the model

options:
  --data DIR              image collection: CSV or a folder for each class
  --csv FILE              table of the collection (default <data>/manifest.csv if there)
  --base FILE             base weights (.tflite, or the model.onnx of an earlier run)
  --work DIR              intermediate results
  --out DIR               finished model folder
  --foreign DIR           images to be refused, with manifest.csv (file, kind); evaluation only
  --release VERSION       version of the model (default 1.0.0)
  --precision int8        calibrate, evaluate and export what was trained in 8 bits, as a version of its own (+int8)
  --seed N --epochs N --head-epochs N --from-block N --batch N --rate X --threads N
  --showable PREFIX       site whose images may be shown in the Grad-CAM sheet; may be repeated
  --accept-single-site    train although a class comes from one site; the card says so
`;

function number(value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const parsed = Number(value);
  if (!Number.isFinite(parsed) || parsed < 0) throw new RangeError(`"${value}" is not a number`);
  return parsed;
}

function precision(value = 'float32'): 'float32' | 'int8' {
  if (value === 'float32' || value === 'int8') return value;
  throw new RangeError(`precision "${value}" is neither float32 nor int8`);
}

const text = { type: 'string' } as const;
const OPTIONS = {
  data: text,
  csv: text,
  base: text,
  work: text,
  out: text,
  foreign: text,
  release: text,
  precision: text,
  seed: text,
  epochs: text,
  'head-epochs': text,
  'from-block': text,
  batch: text,
  rate: text,
  threads: text,
  showable: { type: 'string', multiple: true },
  'accept-single-site': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

type Command = (run: Run) => unknown;

async function everything(run: Run): Promise<void> {
  await train(run);
  await measured(run);
  await exported(run);
}

const COMMANDS: Record<string, { needs: readonly string[]; run: Command }> = {
  import: {
    needs: ['base', 'work'],
    run: (run) => writeSafetensors(`${run.work}/base.safetensors`, readBase(run.base)),
  },
  split: { needs: ['data', 'work'], run: split },
  train: { needs: ['data', 'work', 'base'], run: train },
  calibrate: { needs: ['data', 'work'], run: calibrated },
  evaluate: { needs: ['data', 'work'], run: measured },
  export: { needs: ['work', 'out'], run: exported },
  card: { needs: ['out'], run: (run) => card(run.out) },
  all: { needs: ['data', 'work', 'base', 'out'], run: everything },
  untrained: { needs: ['base', 'out'], run: untrained },
};

/** @throws RangeError for an unknown command, a missing option or an impossible value. */
export function parseCommand(args: readonly string[]): { command: Command; run: Run } | undefined {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  const [name = ''] = positionals;
  if (values.help || name === '') return undefined;
  const chosen = COMMANDS[name];
  if (!chosen) throw new RangeError(`unknown command "${name}": ${Object.keys(COMMANDS).join(', ')}`);
  const given = values as Record<string, unknown>;
  const missing = chosen.needs.filter((option) => given[option] === undefined);
  if (missing.length > 0) throw new RangeError(`${name} needs ${missing.map((option) => `--${option}`).join(', ')}`);
  const { data = '', csv, base = '', work = '', out = '', foreign } = values;
  const run: Run = {
    data,
    base,
    work,
    out,
    ...(csv === undefined ? {} : { csv }),
    ...(foreign === undefined ? {} : { foreign }),
    version: values.release ?? '1.0.0',
    precision: precision(values.precision),
    settings: {
      ...SETTINGS,
      seed: number(values.seed, SETTINGS.seed),
      epochs: number(values.epochs, SETTINGS.epochs),
      headEpochs: number(values['head-epochs'], SETTINGS.headEpochs),
      fromBlock: number(values['from-block'], SETTINGS.fromBlock),
      batch: number(values.batch, SETTINGS.batch),
      rate: number(values.rate, SETTINGS.rate),
      threads: number(values.threads, SETTINGS.threads),
    },
    acceptSingleSite: values['accept-single-site'] === true,
    showable: values.showable ?? [],
    progress: terminalProgress(),
  };
  return { command: chosen.run, run };
}

if (import.meta.main) {
  try {
    const parsed = parseCommand(process.argv.slice(2));
    if (parsed) await parsed.command(parsed.run);
    else process.stdout.write(HELP);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
