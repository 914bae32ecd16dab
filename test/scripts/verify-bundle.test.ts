/** `scripts/verify-bundle`: what it stands on, and that it starts from anywhere with nothing around it. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { sha256 } from '../../shared/digest.ts';

const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SCRIPT = join(REPOSITORY, 'scripts', 'verify-bundle.ts');
const LAUNCHER = join(REPOSITORY, 'scripts', 'verify-bundle');
const NETWORK = /^node:(net|http|https|http2|tls|dns|dgram|child_process)$/;

describe('scripts/verify-bundle', function () {
  this.timeout(30_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-verify-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('stands on shared/ alone', () => {
    const files = [...reached(SCRIPT)].map((path) => relative(REPOSITORY, path)).sort();
    expect(files.length).to.be.at.least(60);
    expect(files.filter((path) => !path.startsWith('shared/'))).to.deep.equal(['scripts/verify-bundle.ts']);
  });

  it('imports nothing of its own that could reach a network', () => {
    const reaching = [...reached(SCRIPT)].filter((path) => importsOf(path).some((name) => NETWORK.test(name)));
    expect(reaching).to.deep.equal([]);
  });

  it('starts without a home, in any folder, and says how it is used', () => {
    const { status, stderr } = spawnSync(process.execPath, [SCRIPT], { cwd: folder, env: {}, encoding: 'utf8' });
    expect(status).to.equal(64);
    expect(stderr).to.include('verify-bundle FILE --root root.json');
  });

  it('is an executable that hands everything to the script beside it', () => {
    const runtime = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin');
    mkdirSync(runtime, { recursive: true });
    mkdirSync(join(folder, 'scripts'));
    symlinkSync(process.execPath, join(runtime, 'node'));
    for (const name of ['verify-bundle', 'with-runtime.mjs'])
      cpSync(join(REPOSITORY, 'scripts', name), join(folder, 'scripts', name));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'package-lock.json'), '{}');
    writeFileSync(join(folder, 'node_modules', '.keyturn-installed'), sha256('{}'));
    writeFileSync(join(folder, 'scripts', 'verify-bundle.ts'), TELLING);
    const ended = spawnSync(process.execPath, [join(folder, 'scripts', 'verify-bundle'), 'a', '--root', 'b'], {
      cwd: '/',
      encoding: 'utf8',
    });
    expect(ended.stdout).to.equal('["a","--root","b"]');
    expect(ended.status).to.equal(20);
    expect(statSync(LAUNCHER).mode & 0o111).to.equal(0o111);
  });
});

const TELLING = 'process.stdout.write(JSON.stringify(process.argv.slice(2)));\nprocess.exitCode = 20;\n';

/** Every file of the repository that the program may load, itself among them. */
function reached(entry: string): Set<string> {
  const seen = new Set<string>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const own = importsOf(path).filter((name) => name.startsWith('.'));
    for (const name of own) waiting.push(existing(resolve(dirname(path), name)));
  }
  return seen;
}

function existing(path: string): string {
  if (!existsSync(path)) throw new Error(`expected "${path}"`);
  return path;
}

function importsOf(path: string): string[] {
  if (!path.endsWith('.ts')) return [];
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
}
