/** A program at a real pseudo terminal: answers are typed when the question is on the screen, and not before. */
import { spawnSync } from 'node:child_process';

export interface Conversation {
  readonly exitCode: number;
  /** Everything that stood on the screen, with what the terminal echoed of what was typed. */
  readonly screen: string;
}

const WAIT_SECONDS = 20;

/** Node opens no pseudo terminal; Python, which the sample payload needs anyway, does. */
const TALK = `
import json, os, pty, select, sys
argv, turns = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execv(argv[0], argv)
screen = b""
def read():
    ready, _, _ = select.select([terminal], [], [], ${WAIT_SECONDS})
    try:
        return os.read(terminal, 4096) if ready else b""
    except OSError:
        return b""
for question, answer in turns:
    seen = len(screen)
    while question.encode() not in screen[seen:]:
        piece = read()
        if not piece:
            break
        screen += piece
    os.write(terminal, answer.encode())
while piece := read():
    screen += piece
_, status = os.waitpid(pid, 0)
print(json.dumps({"exitCode": os.waitstatus_to_exitcode(status), "screen": screen.decode()}))
`;

/** Runs Node with these arguments; `turns` are questions and what is typed then. */
export function talkTo(argv: readonly string[], turns: readonly (readonly [string, string])[]): Conversation {
  const told = JSON.stringify([[process.execPath, ...argv], turns]);
  const ended = spawnSync('/usr/bin/python3', ['-c', TALK, told], {
    encoding: 'utf8',
    timeout: 4 * WAIT_SECONDS * 1000,
  });
  if (ended.status !== 0) throw new Error(`the pseudo terminal failed: ${ended.error?.message ?? ended.stderr}`);
  return JSON.parse(ended.stdout) as Conversation;
}
