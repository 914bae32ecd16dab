/** The programs as they are installed: bundled, with the Node they carry. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../measure/run-command.ts';

export const REPOSITORY = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

export interface Programs {
  readonly keyturn: string;
  readonly agent: string;
  /** The runtime that both carry. */
  readonly node: string;
}

/** Packages this repository into `out`, as `npm run package` does. */
export async function packagePrograms(out: string): Promise<Programs> {
  await runCommand([process.execPath, join(REPOSITORY, 'scripts', 'package.ts'), '--out', out], { cwd: REPOSITORY });
  return programsIn(out);
}

export function programsIn(folder: string): Programs {
  return {
    keyturn: join(folder, 'keyturn', 'keyturn'),
    agent: join(folder, 'keyturn-agent', 'keyturn-agent'),
    node: join(folder, 'keyturn', 'node'),
  };
}
