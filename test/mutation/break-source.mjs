/**
 * Breaks one source file while it is loaded: preloaded (--import) into a test's processes by scripts/break-rules.ts.
 * VELO_TEST_BREAK holds the breakage as JSON: `file`, `find`, `replace`. Nothing on disk changes.
 */
import { registerHooks } from "node:module";

const breakage = JSON.parse(process.env.VELO_TEST_BREAK ?? "null");

if (breakage !== null)
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/${breakage.file}`)) return loaded;
      const source = String(loaded.source);
      if (source.split(breakage.find).length !== 2)
        throw new Error(`${breakage.file} does not hold "${breakage.find}" exactly once`);
      return { ...loaded, source: source.replace(breakage.find, () => breakage.replace) };
    },
  });
