import { expect } from 'chai';
import type { DoctorContext } from '../../../../control-plane/cli/doctor/doctor-context.ts';
import { examineRuntime } from '../../../../control-plane/cli/doctor/runtime.ts';

const ROWS: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['v24.21.0', 'linux', 'x64', ['ok', 'ok']],
  ['v24.0.0', 'darwin', 'arm64', ['ok', 'ok']],
  ['v20.19.0', 'linux', 'x64', ['trouble', 'ok']],
  ['v26.1.0', 'linux', 'arm64', ['warning', 'ok']],
  ['v24.21.0', 'win32', 'x64', ['ok', 'warning']],
  ['v24.21.0', 'linux', 'riscv64', ['ok', 'warning']],
];

describe('examineRuntime', () => {
  it('is tried with at least six machines', () => expect(ROWS).to.have.length.of.at.least(6));
  for (const [nodeVersion, platform, arch, levels] of ROWS) {
    it(`gives ${levels.join(' and ')} for Node ${nodeVersion} on ${platform}-${arch}`, () => {
      const found = examineRuntime({ runtime: { nodeVersion, platform, arch } } as DoctorContext);
      expect(found.map(({ level }) => level)).to.deep.equal(levels);
      expect(found[0]?.mend).to.equal(levels[0] === 'ok' ? undefined : 'npm ci');
    });
  }
});
