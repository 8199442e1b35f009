// Unpacks Chromium, the libraries that a small machine lacks and a font into the folder that TMPDIR names.
import { inflate } from "@sparticuz/chromium";
import { join } from "node:path";

const packed = join(import.meta.dirname, "node_modules", "@sparticuz", "chromium", "bin");
for (const archive of ["al2023.tar.br", "fonts.tar.br", "chromium.br"]) await inflate(join(packed, archive));
