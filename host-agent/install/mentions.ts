/** A character of a name: `app-1` is not found in `app-10`, nor `/opt/app-1` in `/srv/opt/app-1`. */
const NAME_BYTE = /[A-Za-z0-9._-]/;

/** Whether one of the absolute `paths` stands in `content`, as itself or with something below it. */
export function mentions(content: Buffer, paths: readonly string[]): boolean {
  return paths.some((path) => mentionsPath(content, Buffer.from(path)));
}

function mentionsPath(content: Buffer, path: Buffer): boolean {
  for (let at = content.indexOf(path); at !== -1; at = content.indexOf(path, at + 1)) {
    if (isNameByte(content[at - 1]) || isNameByte(content[at + path.length])) continue;
    return true;
  }
  return false;
}

function isNameByte(byte: number | undefined): boolean {
  return byte !== undefined && NAME_BYTE.test(String.fromCharCode(byte));
}
