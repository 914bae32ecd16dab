/** What `npm run bench -- ...` understands. */
import { parseArgs } from 'node:util';

export interface BenchArguments<Name extends string> {
  readonly bench: Name;
  readonly isQuick: boolean;
  readonly isJson: boolean;
  /** Names of figures; all of them when empty. */
  readonly only: readonly string[];
  /** Programs that were packaged earlier. */
  readonly programs: string | undefined;
  /** Where the files go. */
  readonly out: string | undefined;
}

const USAGE = `usage: npm run bench -- ship|govern [--quick] [--only NAME]... [--json] [--programs DIR] [--out DIR]
  --quick         fewer readings of smaller things
  --only NAME     this figure, or every figure whose name begins so; nothing is written unless --out is given
  --json          the JSON line alone
  --programs DIR  ship: measure what \`npm run package -- --out DIR\` has left, not this tree
  --out DIR       where the files go; docs/benchmarks unless said`;

/** `benches` are the figures of each benchmark, by its name. */
export function benchArguments<Name extends string>(
  argv: readonly string[],
  benches: Readonly<Record<Name, readonly { readonly name: string }[]>>,
): BenchArguments<Name> {
  const { values, positionals } = parse(argv);
  const names = Object.keys(benches) as Name[];
  const bench = names.find((name) => positionals.length === 1 && name === positionals[0]);
  if (bench === undefined) return fail(`benchmark "${positionals.join(' ')}": expected ${names.join(' or ')}`);
  return {
    bench,
    isQuick: values.quick === true,
    isJson: values.json === true,
    only: (values.only ?? []).flatMap((prefix) => namesFrom(prefix, benches[bench])),
    programs: values.programs,
    out: values.out,
  };
}

function namesFrom(prefix: string, figures: readonly { readonly name: string }[]): string[] {
  const names = figures.map(({ name }) => name);
  const found = names.includes(prefix) ? [prefix] : names.filter((name) => name.startsWith(prefix));
  return found.length > 0 ? found : fail(`figure "${prefix}": expected one of ${names.join(', ')}`);
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        programs: { type: 'string' },
        out: { type: 'string' },
      },
    });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function fail(message: string): never {
  process.stderr.write(`keyturn bench: ${message}\n${USAGE}\n`);
  process.exit(64);
}
