import { expect } from 'chai';
import { parseCgroupMounts } from '../../../host-agent/sandbox/cgroup-mounts.ts';

const V2 = '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';

describe('parseCgroupMounts', () => {
  it('finds the unit of an agent on a host with v2', () => {
    expect(
      parseCgroupMounts(`22 1 8:1 / / rw - ext4 /dev/sda rw\n${V2}\n`, '0::/system.slice/agent.service\n'),
    ).to.deep.equal([{ version: 2, controllers: [], ownFolder: '/sys/fs/cgroup/system.slice/agent.service' }]);
  });

  it('finds each controller’s group on a host with v1', () => {
    const mountinfo = [
      '31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
      '32 30 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids',
      '33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
    ].join('\n');
    expect(parseCgroupMounts(mountinfo, '8:pids:/\n4:memory:/agents/a:1\n0::/\n')).to.deep.equal([
      { version: 1, controllers: ['memory'], ownFolder: '/sys/fs/cgroup/memory/agents/a:1' },
      { version: 1, controllers: ['pids'], ownFolder: '/sys/fs/cgroup/pids' },
      { version: 2, controllers: [], ownFolder: '/sys/fs/cgroup/unified' },
    ]);
  });

  it('finds the group in a container, whose mount shows a part of the hierarchy', () => {
    const mountinfo = '30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup ro';
    expect(parseCgroupMounts(mountinfo, '0::/docker/abc/inner')[0]?.ownFolder).to.equal('/sys/fs/cgroup/inner');
  });

  it('finds none where none is mounted', () => {
    expect(parseCgroupMounts('22 1 8:1 / / rw - ext4 /dev/sda rw\n', '0::/\n')).to.deep.equal([]);
  });
});
