/**
 * `npm run package [-- --out DIR]`: what is installed. `keyturn` and `keyturn-agent` below DIR (`dist` unless said) each hold
 * their bundled code (esbuild), the native SQLite addon, the pinned Node and a launcher; nothing else is needed on the
 * machine. Two packages of one commit are byte-identical.
 */
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));

const AGENT_FLAGS: readonly string[] = [];

interface Program {
  readonly name: string;
  readonly entry: string;
  /** Packages that are not bundled. */
  readonly external: readonly string[];
  /** Folders of protocol files that bundled gRPC packages read when they are used. */
  readonly protocols: readonly string[];
  /** Of Node and V8. */
  readonly flags: readonly string[];
}

/** Ships its binaries beside its own files and finds them by its own path. */
const DATABASE = 'better-sqlite3';

const PROGRAMS: readonly Program[] = [
  {
    name: 'keyturn',
    entry: 'control-plane/cli/main.ts',
    external: [DATABASE],
    protocols: ['@grpc/grpc-js/proto', '@grpc/reflection/build/proto', 'grpc-health-check/proto'],
    flags: [],
  },
  {
    name: 'keyturn-agent',
    entry: 'host-agent/main.ts',
    // grpc-js asks for the loader when a server offers channelz or ORCA, which no agent does.
    external: [DATABASE, '@grpc/proto-loader'],
    protocols: [],
    flags: AGENT_FLAGS,
  },
];

/** Where a thread of `shared/store/disk-threads` begins; looked for beside the pieces of the program that starts it. */
const DISK_THREAD = { in: 'shared/store/disk-threads/disk-thread.ts', out: 'disk-thread' };

/**
 * Bundled CommonJS packages call `require` and look at `__dirname`, which ES modules lack. The gRPC packages look for their
 * protocol files two folders up from there: in `proto`, beside `code`.
 */
const BANNER = [
  `import { createRequire } from 'node:module';`,
  `const require = createRequire(import.meta.url);`,
  `const __dirname = import.meta.dirname + '/bundle';`,
].join('\n');

const out = outputFolder(process.argv.slice(2));
for (const { name, entry, external, protocols, flags } of PROGRAMS) {
  const folder = join(out, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [{ in: entry, out: name }, DISK_THREAD],
    outdir: join(folder, 'code'),
    outExtension: { '.js': '.mjs' },
    // A command reads the pieces that it needs: asking for help takes a quarter of the time.
    splitting: true,
    chunkNames: 'piece-[hash]',
    // Paths in the bundle are relative to this, wherever it is made.
    absWorkingDir: repository,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: BANNER },
    external: [...external],
    legalComments: 'linked',
    logLevel: 'warning',
  });
  cpSync(join(repository, 'node_modules', DATABASE), join(folder, 'node_modules', DATABASE), {
    recursive: true,
    filter: (path) => !/better-sqlite3\/(deps|src)(\/|$)/.test(path),
  });
  for (const protocol of protocols) {
    cpSync(join(repository, 'node_modules', protocol), join(folder, 'proto'), { recursive: true });
  }
  cpSync(process.execPath, join(folder, 'node'));
  const launcher = join(folder, name);
  writeFileSync(launcher, launcherText(name, flags));
  chmodSync(launcher, 0o755);
  process.stdout.write(`${folder}\n`);
}

/** Needs nothing but a shell, save where it is called by a symbolic link. */
function launcherText(name: string, flags: readonly string[]): string {
  return `#!/bin/sh
self=$0
if [ -h "$self" ]; then self=$(readlink -f "$self"); fi
case $self in */*) here=\${self%/*} ;; *) here=. ;; esac
exec ${['"$here/node"', ...flags, `"$here/code/${name}.mjs"`, '"$@"'].join(' ')}
`;
}

function outputFolder(argv: readonly string[]): string {
  try {
    const { values } = parseArgs({ args: [...argv], options: { out: { type: 'string' } } });
    return resolve(values.out ?? join(repository, 'dist'));
  } catch (error) {
    process.stderr.write(`package: ${(error as Error).message}\nusage: npm run package -- [--out DIR]\n`);
    process.exit(64);
  }
}
