/**
 * `npm run package`: what is installed. `dist/keyturn` and `dist/keyturn-agent` each hold one bundle (esbuild), the native
 * SQLite addon, the pinned Node and a launcher; nothing else is needed on the machine.
 */
import { build } from 'esbuild';
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));

const PROGRAMS = [
  { name: 'keyturn', entry: 'control-plane/cli/main.ts' },
  { name: 'keyturn-agent', entry: 'host-agent/main.ts' },
];

/**
 * Bundled CommonJS packages call `require` and look at `__dirname`, which ES modules lack. The gRPC packages look for their
 * protocol files two folders up from there.
 */
const BANNER = [
  `import { createRequire } from 'node:module';`,
  `const require = createRequire(import.meta.url);`,
  `const __dirname = import.meta.dirname + '/bundle/code';`,
].join('\n');

/** Folders of protocol files that bundled gRPC packages read when they are used. */
const PROTOCOL_FOLDERS = ['@grpc/grpc-js/proto', '@grpc/reflection/build/proto', 'grpc-health-check/proto'];

for (const { name, entry } of PROGRAMS) {
  const folder = join(repository, 'dist', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [join(repository, entry)],
    outfile: join(folder, `${name}.mjs`),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: BANNER },
    // Ships its binaries beside its own files and finds them by its own path.
    external: ['better-sqlite3'],
    legalComments: 'linked',
    logLevel: 'warning',
  });
  cpSync(join(repository, 'node_modules', 'better-sqlite3'), join(folder, 'node_modules', 'better-sqlite3'), {
    recursive: true,
    filter: (path) => !/better-sqlite3\/(deps|src)(\/|$)/.test(path),
  });
  for (const protocols of PROTOCOL_FOLDERS) {
    cpSync(join(repository, 'node_modules', protocols), join(folder, 'proto'), { recursive: true });
  }
  cpSync(process.execPath, join(folder, 'node'));
  const launcher = join(folder, name);
  writeFileSync(launcher, `#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nexec "$here/node" "$here/${name}.mjs" "$@"\n`);
  chmodSync(launcher, 0o755);
  process.stdout.write(`${folder}\n`);
}
