/** A shell pattern (`*`, `?`, `[a-z]`, `[!a-z]`, backslash) as an expression that ignores case and matches whole names. */
export function globPattern(glob: string): RegExp {
  let source = ''
  for (let i = 0; i < glob.length; i++) {
    const one = glob.charAt(i)
    if (one === '*') source += source.endsWith('[^]*') ? '' : '[^]*'
    else if (one === '?') source += '[^]'
    else if (one === '\\' && i + 1 < glob.length) source += escaped(glob.charAt(++i))
    else if (one === '[') {
      const set = /^\[([!^]?)(\]?[^\]]*)\]/.exec(glob.slice(i))
      if (set === null) source += '\\['
      else {
        source += `[${set[1] === '' ? '' : '^'}${(set[2] ?? '').replace(/[\\\]^]/g, '\\$&')}]`
        i += set[0].length - 1
      }
    } else source += escaped(one)
  }
  try {
    return new RegExp(`^${source}$`, 'i')
  } catch {
    // A range the wrong way round, `[z-a]`, matches nothing in a shell.
    return /(?!)/
  }
}

function escaped(one: string): string {
  return one.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&')
}
