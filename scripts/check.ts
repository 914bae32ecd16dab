/** `npm run check`: types, format and lint, generated code; prints one line for each and exits with 1 when one fails. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name: string) => join(repository, 'node_modules', '.bin', name);

const CHECKS: readonly { name: string; argv: readonly [string, ...string[]] }[] = [
  { name: 'types', argv: [bin('tsc'), '-p', '.'] },
  { name: 'format and lint', argv: [bin('biome'), 'check', '--error-on-warnings', '.'] },
  { name: 'generated wire code is fresh', argv: [process.execPath, 'scripts/generate-proto.ts', '--check'] },
];

const failed = CHECKS.filter(({ name, argv: [command, ...args] }) => {
  const { status } = spawnSync(command, args, { cwd: repository, stdio: 'inherit' });
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${name}\n`);
  return status !== 0;
});
process.exit(failed.length === 0 ? 0 : 1);
