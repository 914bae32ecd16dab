import { expect } from 'chai';
import { describeMachine, diskOf } from './machine.ts';

const MOUNTS = [
  '/dev/vda / ext4 rw,discard 0 0',
  'tmpfs /tmp tmpfs rw 0 0',
  'tmpfs /tm tmpfs rw,near 0 0',
  '/dev/vdb /var/tmp/deep xfs rw,noatime 0 0',
  '',
].join('\n');

const FOLDERS = [
  ['/tmp/a', 'tmpfs (rw)'],
  ['/tmpx', 'ext4 (rw,discard)'],
  ['/var/tmp', 'ext4 (rw,discard)'],
  ['/var/tmp/deep/er', 'xfs (rw,noatime)'],
] as const;

describe('the description of the machine', () => {
  for (const [folder, disk] of FOLDERS) {
    it(`finds ${disk} under ${folder}`, () => {
      expect(diskOf(folder, MOUNTS)).to.equal(disk);
    });
  }

  it('names processor, kernel, disk and every program', () => {
    const machine = describeMachine('/');
    expect(machine.cores).to.be.at.least(1);
    expect(machine.programs.node).to.equal(process.version);
    expect(Object.keys(machine.programs)).to.include.members([
      'openssh',
      'rsync',
      'nginx',
      'ansible',
      'curl',
      'openssl',
    ]);
    expect(Object.values(machine.programs).every((version) => version !== '')).to.equal(true);
  });
});
