import { spawnSync } from 'node:child_process';
import { expect } from 'chai';

const MODULE = new URL('../../../shared/service/young-garbage.ts', import.meta.url).href;

/** Streams 256 buffers of a megabyte past, and tells how many of them were given back by then. */
const SCRIPT = `
  import { YoungGarbage } from ${JSON.stringify(MODULE)};
  let freed = 0;
  const registry = new FinalizationRegistry(() => { freed += 1; });
  const garbage = new YoungGarbage();
  for (let piece = 0; piece < 256; piece += 1) {
    registry.register(new Uint8Array(1024 * 1024), piece);
    garbage.passed(1024 * 1024);
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.stdout.write(String(freed));
`;

function freed(...flags: string[]): number {
  const argv = [...flags, '--max-semi-space-size=2', '--input-type=module', '--eval', SCRIPT];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  expect(status, stderr).to.equal(0);
  return Number(stdout);
}

describe('shared/service/young-garbage', () => {
  it('has most of what streamed past given back while it still streams', () => {
    // What is collected is told a little later, later still on a busy machine.
    expect(freed('--expose-gc')).to.be.at.least(128);
  });

  it('does nothing, and no harm, where the program has no say in that', () => {
    expect(freed()).to.be.below(128);
  });
});
