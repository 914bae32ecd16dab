import { expect } from 'chai';

import {
  emptyFolder,
  type Folder,
  isFolder,
  isLink,
  type Link,
  resolveLink,
} from '../../../shared/release/path-tree.ts';

describe('shared/release/path-tree', () => {
  const folderIn = (parent: Folder, name: string): Folder => {
    const folder = emptyFolder(parent);
    parent.children.set(name, folder);
    return folder;
  };
  const linkIn = (folder: Folder, name: string, target: string): Link => {
    const link: Link = { folder, path: name, target, resolution: 'not-begun' };
    folder.children.set(name, link);
    return link;
  };

  it('tells folders, links and files apart', () => {
    const folder = emptyFolder(undefined);
    expect([isFolder(folder), isLink(folder), isFolder('file'), isLink('file')]).to.deep.equal([
      true,
      false,
      false,
      false,
    ]);
    expect(isLink(linkIn(folder, 'a', 'b'))).to.equal(true);
  });

  it('counts the links on the way, and the bound that they must keep', () => {
    const root = emptyFolder(undefined);
    const first = linkIn(root, 'a', 'b');
    linkIn(root, 'b', 'c');
    expect(resolveLink(first, 1).at).to.equal('too-far');
    const end = resolveLink(first, 2);
    expect(end.at === 'inside' && end.links).to.equal(2);
  });

  it('resolves ".." from where a link ends, as a kernel does', () => {
    const root = emptyFolder(undefined);
    const deep = folderIn(folderIn(root, 'x'), 'y');
    linkIn(root, 'into', 'x/y');
    expect(resolveLink(linkIn(root, 'a', 'into/../..'), 8).at).to.equal('loop');
    expect(resolveLink(linkIn(root, 'b', 'into/../../..'), 8).at).to.equal('outside');
    expect(resolveLink(linkIn(deep, 'c', '../z'), 8).at).to.equal('inside');
  });

  it('walks each target once, however many links pass it', () => {
    const root = emptyFolder(undefined);
    const links = Array.from({ length: 3000 }, (_, index) =>
      linkIn(root, `l${index}`, index < 4 ? 'end' : `./l${index % 4}/../l${(index + 1) % 4}`),
    );
    for (const link of links) expect(resolveLink(link, 8).at).to.equal('inside');
  });
});
