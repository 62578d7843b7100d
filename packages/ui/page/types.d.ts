import type { JSX } from "preact";
import type { RegularTableElement } from "regular-table";

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      "regular-table": JSX.HTMLAttributes<RegularTableElement>;
    }
  }
}
