/**
 * The repository's own rules, as a test: who may import whom, what pure files may touch, and how long a file may be.
 * A rule of the repository that is not a test is a wish; each row says why it is there.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCE_FOLDERS = ['shared', 'control-plane', 'host-agent'];
const FILE_LINE_LIMIT = 300;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Module specifiers; relative ones resolved to repository paths. */
  readonly imports: readonly string[];
}

const sources = SOURCE_FOLDERS.flatMap(filesBelow).map(readSource);

/** Folder rules: no file below `folder` imports a path or package that starts with one of `never`. */
const FOLDER_RULES = [
  { folder: 'shared/', never: ['control-plane/', 'host-agent/'], why: 'both sides stand on it' },
  { folder: 'control-plane/', never: ['host-agent/'], why: 'the control plane is not trusted with agent code' },
  { folder: 'host-agent/', never: ['control-plane/'], why: 'the agent must not depend on what it does not trust' },
];

/** Only these places may import the module. */
const ONLY_IN = [
  {
    module: 'node:child_process',
    places: ['host-agent/sandbox/', 'control-plane/build/'],
    why: 'one place starts processes (P2)',
  },
  {
    module: 'node-cron',
    places: ['host-agent/health/', 'control-plane/rollout/'],
    why: 'schedules are policy, not plumbing',
  },
  { module: 'ws', places: ['control-plane/dashboard/'], why: 'browsers only' },
  {
    module: '@grpc/',
    places: [
      'host-agent/link/',
      'control-plane/gateway/',
      'control-plane/operator/',
      'control-plane/cli/client',
      'shared/rpc/',
    ],
    why: 'the wire stays at the edge',
  },
  {
    module: 'grpc-health-check',
    places: ['control-plane/operator/', 'control-plane/gateway/'],
    why: 'the wire stays at the edge',
  },
  { module: 'tuf-js', places: ['shared/trust/'], why: 'one TUF client' },
  { module: '@tufjs/', places: ['shared/trust/'], why: 'one TUF client' },
];

/** Pure: the same input gives the same output; they touch no clock, disk, network or randomness. */
const PURE = [
  /^shared\/ledger\//,
  /^shared\/orders\//,
  /^shared\/transparency\//,
  // The one that is left out asks the TUF client, which works in a scratch folder.
  /^shared\/evidence\/(?!verified-trust)/,
  /\/machine\.ts$/,
  /^shared\/trust\/threshold\.ts$/,
  /^shared\/release\/(manifest|path-rules|plan|tree-digest)\.ts$/,
];
const IMPURE_MODULES = /^node:(fs|net|http|https|http2|tls|dns|os|process|timers|worker_threads|child_process|dgram)/;
const IMPURE_CALLS =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomBytes\(|\brandomUUID\(|\bperformance\.now\(|\bprocess\.(env|hrtime)|\bsetTimeout\(|\bsetInterval\(/;

/** Everything that creates, changes or moves files goes through `shared/store`, where durability is thought about once. */
const WRITES_FILES =
  /\b(writeFileSync|writeFile|appendFileSync|appendFile|createWriteStream|renameSync|rename|copyFileSync|copyFile|symlinkSync|symlink|truncateSync|linkSync)\(/;
const MAY_WRITE_FILES = [
  'shared/store/',
  'host-agent/install/',
  'control-plane/blobs/',
  'control-plane/build/',
  // Control files of cgroups: nothing that a disk keeps.
  'host-agent/sandbox/resource-group.ts',
];

const FUNCTION_LINE_LIMIT = 50;

/** What decides: each file has a test that mirrors its path. */
const PURE_WITH_MIRROR = [
  'shared/ledger/status.ts',
  'shared/ledger/derive.ts',
  'shared/ledger/entry.ts',
  'shared/trust/threshold.ts',
  'host-agent/run/machine.ts',
  'shared/ledger/planned-checks.ts',
  'shared/ledger/head.ts',
  'shared/trust/dsse.ts',
  'shared/trust/tuf-rules.ts',
  'shared/release/path-rules.ts',
  'shared/orders/admit.ts',
  'shared/transparency/merkle.ts',
  'shared/evidence/verify-evidence.ts',
  'shared/evidence/verify-log-export.ts',
  'host-agent/gate/machine.ts',
];

const BANNED_NAMES = ['util', 'utils', 'helpers', 'common', 'misc', 'manager', 'data', 'info', 'base', 'types'];

describe('the layers of the repository', () => {
  it('are read from at least eighty source files', () => {
    expect(sources.length).to.be.at.least(80);
  });

  for (const rule of FOLDER_RULES) {
    it(`${rule.folder} imports nothing of ${rule.never.join(' or ')}, because ${rule.why}`, () => {
      expectNone(
        filesIn(rule.folder).filter((file) =>
          file.imports.some((name) => rule.never.some((bad) => name.startsWith(bad))),
        ),
      );
    });
  }

  for (const rule of ONLY_IN) {
    it(`${rule.module} is imported only in ${rule.places.join(', ')}, because ${rule.why}`, () => {
      const importers = sources.filter((file) => file.imports.some((name) => isModule(name, rule.module)));
      expectNone(importers.filter((file) => !rule.places.some((place) => file.path.startsWith(place))));
    });
  }

  it('the execution gate imports the journal, the shared code, and nothing else', () => {
    const allowed = /^(host-agent\/(gate|journal)\/|shared\/|node:)/;
    expectNone(filesIn('host-agent/gate/').filter((file) => file.imports.some((name) => !allowed.test(name))));
  });

  it('pure files touch no clock, disk, network or randomness', () => {
    const pure = sources.filter((file) => PURE.some((pattern) => pattern.test(file.path)));
    expect(pure.length).to.be.at.least(10);
    expectNone(
      pure.filter((file) => IMPURE_CALLS.test(code(file)) || file.imports.some((name) => IMPURE_MODULES.test(name))),
    );
  });

  it('files are written only where durability is thought about', () => {
    const writers = sources.filter((file) => WRITES_FILES.test(code(file)));
    expectNone(writers.filter((file) => !MAY_WRITE_FILES.some((place) => file.path.startsWith(place))));
  });

  it(`no file is longer than ${FILE_LINE_LIMIT} lines`, () => {
    expectNone(
      sources.filter((file) => !file.path.includes('/generated/') && file.text.split('\n').length > FILE_LINE_LIMIT),
    );
  });

  it(`no function is longer than ${FUNCTION_LINE_LIMIT} lines`, () => {
    const functions = sources.filter((file) => !file.path.includes('/generated/')).flatMap(functionsOf);
    expect(functions.length).to.be.at.least(1_000);
    const long = functions.filter(({ lines }) => lines > FUNCTION_LINE_LIMIT);
    expect(long.map(({ path, name, lines }) => `${path}: ${name} has ${lines} lines`)).to.deep.equal([]);
  });

  it('every pure rule has a test of its own name', () => {
    const untested = PURE_WITH_MIRROR.flatMap((folder) => filesIn(folder))
      .map((file) => file.path)
      .filter((path) => !existsSync(join(repository, 'test', path.replace(/\.ts$/, '.test.ts'))));
    expect(untested).to.deep.equal([]);
  });

  it('no test is focused or skipped', () => {
    const tests = filesBelow('test').filter((path) => path.endsWith('.test.ts') && !path.includes('payloads'));
    expect(tests.length).to.be.at.least(100);
    const marked = tests.filter((path) =>
      /\b(describe|it)\.(only|skip)\(/.test(readFileSync(join(repository, path), 'utf8')),
    );
    expect(marked).to.deep.equal([]);
  });

  it('a test is left out aloud or not at all', () => {
    const silent = filesBelow('test').filter(
      (path) =>
        !path.includes('payloads') && /\b(this|context)\.skip\(\)/.test(readFileSync(join(repository, path), 'utf8')),
    );
    expect(silent).to.deep.equal(['test/support/skip.ts']);
  });

  it('no file has a name that says nothing', () => {
    expectNone(sources.filter((file) => BANNED_NAMES.includes(file.path.replace(/^.*\//, '').replace(/\.ts$/, ''))));
  });

  it('relative imports name the .ts file', () => {
    expectNone(sources.filter((file) => /from '\.[^']*(?<!\.ts|\.json)';/.test(file.text)));
  });

  it('every folder rule names a folder that exists', () => {
    const folders = FOLDER_RULES.map((rule) => rule.folder);
    expect(folders.filter((folder) => filesIn(folder).length === 0)).to.deep.equal([]);
  });
});

function expectNone(files: readonly SourceFile[]): void {
  expect(files.map((file) => file.path)).to.deep.equal([]);
}

function filesIn(folder: string): SourceFile[] {
  return sources.filter((file) => file.path.startsWith(folder));
}

function isModule(imported: string, module: string): boolean {
  return module.endsWith('/') ? imported.startsWith(module) : imported === module || imported.startsWith(`${module}/`);
}

/** The source without comments and string contents, so that prose does not count as a call. */
function code(file: SourceFile): string {
  return file.text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}

/** Formatted code closes a function with a brace at the indentation at which it began. */
function functionsOf({ path, text }: SourceFile): { path: string; name: string; lines: number }[] {
  const lines = text.split('\n');
  return lines.flatMap((line, start) => {
    const [, indent = '', name] = FUNCTION_START.exec(line) ?? METHOD_START.exec(line) ?? [];
    if (name === undefined || /^(if|for|while|switch|catch)$/.test(name)) return [];
    const length = lines.slice(start + 1).indexOf(`${indent}}`);
    return length < 0 ? [] : [{ path, name, lines: length + 2 }];
  });
}

const FUNCTION_START = /^( *)(?:export )?(?:async )?function\*? (\w+)/;
const METHOD_START = /^( {2})(?:static |async |get |\*)*(#?\w+)\(.*\{$/;

function filesBelow(folder: string): string[] {
  return readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => join(folder, path))
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'));
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(repository, path), 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
  const resolve = (name: string) =>
    name.startsWith('.') ? relative(repository, join(repository, dirname(path), name)) : name;
  return { path, text, imports: specifiers.map(resolve) };
}
