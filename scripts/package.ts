/**
 * `npm run package [-- --out DIR]`: what is installed. `keyturn` and `keyturn-agent` below DIR (`dist` unless said) each hold
 * their bundled code (esbuild), the native SQLite addon, the pinned Node and a launcher; nothing else is needed on the
 * machine. Two packages of one commit are byte-identical.
 */
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build, type Plugin } from 'esbuild';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));

/** What streams past is young garbage: a small nursery is swept before pieces of a megabyte pile up in it. */
const NURSERY = '--max-semi-space-size=2';

/** The last two take 6 MiB off an agent that waits; a run is as fast with them. */
const AGENT_FLAGS = [
  NURSERY,
  // So that it can give back what its start and its runs leave in memory.
  '--expose-gc',
  // What starts a program is not worth a compiler, whose own code is 3 MiB; a loop that works gets there all the same.
  '--invocation-count-for-maglev=20000',
];

interface Program {
  readonly name: string;
  readonly entry: string;
  /** Parts that run in processes of their own; looked for beside the pieces of the program that starts them. */
  readonly parts: readonly { readonly in: string; readonly out: string }[];
  /** Packages that other packages ask for and that this program has no use of: they find nothing. */
  readonly leftOut: readonly string[];
  /** Folders of protocol files that bundled gRPC packages read when they are used. */
  readonly protocols: readonly string[];
  /** Of Node and V8. */
  readonly flags: readonly string[];
  /** Set by the launcher, unless they are set. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Ships its binaries beside its own files and finds them by its own path. */
const DATABASE = 'better-sqlite3';

const PROGRAMS: readonly Program[] = [
  {
    name: 'keyturn',
    entry: 'control-plane/cli/main.ts',
    parts: [],
    leftOut: [],
    protocols: ['@grpc/grpc-js/proto', '@grpc/reflection/build/proto', 'grpc-health-check/proto'],
    flags: [NURSERY, '--expose-gc'],
    environment: {},
  },
  {
    name: 'keyturn-agent',
    entry: 'host-agent/main.ts',
    parts: [{ in: 'host-agent/checks/sql/sqlite-part.ts', out: 'sqlite-part' }],
    // The one is asked for when a server offers channelz or ORCA, which no agent does. Without the other, 1 MiB of code for
    // 64-bit numbers, protobufjs makes numbers of them, which is all that is made of them here.
    leftOut: ['@grpc/proto-loader', 'long'],
    protocols: [],
    flags: AGENT_FLAGS,
    // The C library keeps an arena for each thread that ever was; threads that come and go with the runs let that grow.
    environment: { MALLOC_ARENA_MAX: '1' },
  },
];

/** Where a thread of `shared/store/disk-threads` begins; looked for beside the pieces of the program that starts it. */
const DISK_THREAD = { in: 'shared/store/disk-threads/disk-thread.ts', out: 'disk-thread' };

/**
 * Bundled CommonJS packages call `require` and look at `__dirname`, which ES modules lack. The gRPC packages look for their
 * protocol files two folders up from there: in `proto`, beside `code`.
 */
const BANNER = [
  // Not by an import: see `requireNode`.
  `const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);`,
  `const __dirname = import.meta.dirname + '/bundle';`,
].join('\n');

const out = outputFolder(process.argv.slice(2));
for (const program of PROGRAMS) {
  const { name, entry, parts, leftOut, protocols } = program;
  const folder = join(out, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [{ in: entry, out: name }, DISK_THREAD, ...parts],
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
    external: [DATABASE],
    plugins: [leavingOut(leftOut), withoutSubprograms()],
    minifyWhitespace: true,
    minifySyntax: true,
    // So that a stack still says where.
    lineLimit: 160,
    legalComments: 'linked',
    logLevel: 'warning',
  });
  for (const file of readdirSync(join(folder, 'code'))) {
    if (file.endsWith('.mjs')) requireNode(join(folder, 'code', file));
  }
  cpSync(join(repository, 'node_modules', DATABASE), join(folder, 'node_modules', DATABASE), {
    recursive: true,
    filter: (path) => !/better-sqlite3\/(deps|src)(\/|$)/.test(path),
  });
  for (const protocol of protocols) {
    cpSync(join(repository, 'node_modules', protocol), join(folder, 'proto'), { recursive: true });
  }
  cpSync(process.execPath, join(folder, 'node'));
  const launcher = join(folder, name);
  writeFileSync(launcher, launcherText(program));
  chmodSync(launcher, 0o755);
  process.stdout.write(`${folder}\n`);
}

/**
 * An import of a part of Node makes all that the part exports, used or not: of `node:http` a second HTTP client, with a fifth
 * of a second. `require` hands out what is asked for.
 */
function requireNode(path: string): void {
  const code = readFileSync(path, 'utf8');
  const required = code.replaceAll(
    /(^|[;}])import ?(\{[^{}]+\}|\* as [\w$]+ | [\w$]+ )from ?"(node:[a-z_/]+)"/gm,
    (_import, before: string, names: string, module: string) =>
      `${before}const ${names.replace(/^\* as/, '').replaceAll(/\s+as\s+/g, ':')}=require("${module}")`,
  );
  writeFileSync(path, required);
}

/** Not `external`: what is not in the bundle must not be looked for in the folders around it. */
function leavingOut(packages: readonly string[]): Plugin {
  return {
    name: 'leaving-out',
    setup: ({ onLoad, onResolve }) => {
      onResolve({ filter: /^[@a-z]/ }, ({ path }) =>
        packages.includes(path) ? { path, namespace: 'left-out' } : undefined,
      );
      onLoad({ filter: /./, namespace: 'left-out' }, () => ({ contents: 'module.exports = undefined;' }));
    },
  };
}

/** Commander can start a program for a command; ours never do, and what it would start them with takes 4 ms to load. */
function withoutSubprograms(): Plugin {
  return {
    name: 'without-subprograms',
    setup: ({ onLoad, onResolve }) => {
      onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
        importer.includes('/node_modules/commander/') ? { path, namespace: 'without-subprograms' } : undefined,
      );
      onLoad({ filter: /./, namespace: 'without-subprograms' }, () => ({ contents: 'export default {};' }));
    },
  };
}

/** Needs nothing but a shell, save where it is called by a symbolic link. */
function launcherText({ name, flags, environment }: Program): string {
  const variables = Object.entries(environment).map(([key, value]) => `export ${key}="\${${key}-${value}}"\n`);
  const command = ['"$here/node"', ...flags, `"$here/code/${name}.mjs"`, '"$@"'].join(' ');
  return `#!/bin/sh
self=$0
if [ -h "$self" ]; then self=$(readlink -f "$self"); fi
case $self in */*) here=\${self%/*} ;; *) here=. ;; esac
${variables.join('')}exec ${command}
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
