import { expect } from 'chai';
import { examineUserNamespaces } from '../../../../host-agent/cli/doctor/user-namespaces.ts';

const NEVER = new AbortController().signal;

const ROWS: readonly (readonly [string, Readonly<Record<string, string>>, readonly string[], string | undefined])[] = [
  ['a kernel without any of the settings', {}, ['ok'], undefined],
  [
    'a kernel that allows them',
    { 'user.max_user_namespaces': '63000', 'kernel.unprivileged_userns_clone': '1' },
    ['ok'],
    undefined,
  ],
  [
    'a kernel that allows none',
    { 'user.max_user_namespaces': '0' },
    ['trouble'],
    'sysctl -w user.max_user_namespaces=15000',
  ],
  [
    'a kernel that keeps them for root',
    { 'kernel.unprivileged_userns_clone': '0' },
    ['trouble'],
    'sysctl -w kernel.unprivileged_userns_clone=1',
  ],
  [
    'AppArmor, which may have a profile for bubblewrap',
    { 'kernel.apparmor_restrict_unprivileged_userns': '1' },
    ['warning'],
    'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
  [
    'two obstacles',
    { 'user.max_user_namespaces': '0', 'kernel.unprivileged_userns_clone': '0' },
    ['trouble', 'trouble'],
    'sysctl -w user.max_user_namespaces=15000',
  ],
];

describe('examineUserNamespaces', () => {
  it('is tried with at least six kernels', () => expect(ROWS).to.have.length.of.at.least(6));
  for (const [title, settings, levels, mend] of ROWS) {
    it(`gives ${levels.join(' and ')} to an agent that is not root with ${title}`, () => {
      const found = examineUserNamespaces({ uid: 1000 }, NEVER, (name) => settings[name]);
      expect(found.map(({ level }) => level)).to.deep.equal(levels);
      expect(found[0]?.mend).to.equal(mend);
    });
  }

  it('needs none where the agent is root, whatever the kernel says', () => {
    const found = examineUserNamespaces({ uid: 0 }, NEVER, () => '0');
    expect(found).to.deep.equal([{ level: 'ok', statement: 'not needed: the agent is root' }]);
  });

  it('reads the settings of this kernel', () => {
    const [found] = examineUserNamespaces({ uid: 1000 }, NEVER);
    expect(found?.statement).to.include('user 1000 may make');
  });
});
