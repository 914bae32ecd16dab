import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { build } from 'esbuild';
import { filesBelow } from '../../support/command-line.ts';

const SOURCE = fileURLToPath(new URL('../../../control-plane/cli/compiled-code.ts', import.meta.url));

describe('control-plane/cli/compiled-code', function () {
  this.timeout(20_000);
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-compiled-'));
    writeFileSync(at('work.mjs'), `export const work = () => ${JSON.stringify('x'.repeat(2_000))}.length;\n`);
    writeFileSync(
      at('main.ts'),
      `import { keepCompiledCode } from ${JSON.stringify(SOURCE)};
keepCompiledCode();
const { work } = await import('./work.mjs');
console.log(work());\n`,
    );
    await build({
      entryPoints: [at('main.ts')],
      outfile: at('main.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['./work.mjs'],
    });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const at = (...names: string[]) => join(folder, ...names);

  /** Runs the packaged program; what it has to do it does in any case. */
  function run(env: Record<string, string>, main = 'main.mjs'): void {
    const { status, stdout, stderr } = spawnSync(process.execPath, [at(main)], { env, encoding: 'utf8' });
    expect([status, stdout, stderr]).to.deep.equal([0, '2000\n', '']);
  }

  it('keeps what was compiled in a folder that is closed to others, in the place for caches', () => {
    run({ XDG_CACHE_HOME: at('caches'), HOME: at('home') });
    expect(statSync(at('caches', 'keyturn')).mode & 0o777).to.equal(0o700);
    expect(filesBelow(at('caches', 'keyturn'))).not.to.deep.equal([]);
    expect(readdirSync(folder)).not.to.include('home');
    run({ HOME: at('home') });
    expect(filesBelow(at('home', '.cache', 'keyturn'))).not.to.deep.equal([]);
  });

  it('keeps nothing where others could have put something', () => {
    mkdirSync(at('caches', 'keyturn'), { recursive: true });
    chmodSync(at('caches', 'keyturn'), 0o777);
    run({ XDG_CACHE_HOME: at('caches') });
    expect(filesBelow(at('caches'))).to.deep.equal([]);
  });

  for (const [name, env] of [
    ['no home', {}],
    ['a home that is a relative path', { HOME: 'home' }],
    ['a home that is a file', { HOME: '/dev/null' }],
  ] as const) {
    it(`works without, with ${name}`, () => {
      run(env);
      expect(readdirSync(folder).sort()).to.deep.equal(['main.mjs', 'main.ts', 'work.mjs']);
    });
  }

  it('keeps nothing of a program that runs from source', () => {
    run({ XDG_CACHE_HOME: at('caches') }, 'main.ts');
    expect(readdirSync(folder)).not.to.include('caches');
  });
});
