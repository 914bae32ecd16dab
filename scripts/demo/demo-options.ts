/** What `npm run demo -- ...` understands. */
import { parseArgs } from 'node:util';
import { resultOfRefusal } from './demo-result.ts';

export interface DemoOptions {
  /** A repository of the user's own; the sample payload unless said. */
  readonly repository: string | undefined;
  readonly ref: string;
  readonly config: string | undefined;
  /** Leaves the control plane and the agent running. */
  readonly isKept: boolean;
  readonly isJson: boolean;
  /** A SQLite file for the sample's live database, instead of a PostgreSQL. */
  readonly isSqlite: boolean;
}

const USAGE = 'usage: npm run demo -- [--repo PATH --ref REF [--config keyturn.yaml] | --sqlite] [--keep] [--json]';

export function demoOptions(argv: readonly string[]): DemoOptions {
  const { values } = parse(argv);
  if ((values.repo === undefined) !== (values.ref === undefined)) fail('--repo and --ref belong together', argv);
  if (values.config !== undefined && values.repo === undefined) fail('--config needs --repo', argv);
  if (values.sqlite === true && values.repo !== undefined)
    fail('--sqlite is about the sample, and --repo is not', argv);
  return {
    repository: values.repo,
    ref: values.ref ?? 'v0.6',
    config: values.config,
    isKept: values.keep === true,
    isJson: values.json === true,
    isSqlite: values.sqlite === true,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        repo: { type: 'string' },
        ref: { type: 'string' },
        config: { type: 'string' },
        keep: { type: 'boolean' },
        json: { type: 'boolean' },
        sqlite: { type: 'boolean' },
      },
    });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), argv);
  }
}

function fail(message: string, argv: readonly string[]): never {
  process.stderr.write(`keyturn demo: ${message}\n${USAGE}\n`);
  if (argv.includes('--json')) process.stdout.write(`${JSON.stringify(resultOfRefusal(0))}\n`);
  process.exit(64);
}
