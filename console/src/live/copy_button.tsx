import { useEffect, useState } from "react";
import { copyText } from "./clipboard";
import { CheckIcon, CopyIcon } from "./icons";

type Outcome = "none" | "copied" | "failed";

export function CopyButton({ text, label, name }: { text: string; label?: string; name: string }) {
  const [outcome, setOutcome] = useState<Outcome>("none");
  useEffect(() => {
    if (outcome === "none") return;
    const timer = setTimeout(() => setOutcome("none"), 1_600);
    return () => clearTimeout(timer);
  }, [outcome]);
  const said = outcome === "copied" ? "Copied" : outcome === "failed" ? "Not allowed" : label;
  return (
    <button
      type="button"
      className="button quiet"
      aria-label={name}
      title={name}
      onClick={async () => setOutcome((await copyText(text)) ? "copied" : "failed")}
    >
      {outcome === "copied" ? <CheckIcon /> : <CopyIcon />}
      {said && <span>{said}</span>}
      <span className="off-screen" role="status">
        {outcome === "copied" ? "Copied" : outcome === "failed" ? "The browser does not allow copying here" : ""}
      </span>
    </button>
  );
}
