"""Under which terms regions are explained, and what makes their record, where no model of seewhy's found them."""

from __future__ import annotations

from seewhy.agent.detections.detection import Detection
from seewhy.agent.inspection.policy import load_policy
from seewhy.agent.inspection.terms import DEFAULT_ALPHA, Agreed, Terms
from seewhy.agent.inspection.verdict import EXTERNAL
from seewhy.card import ProductCard
from seewhy.packages import versions
from seewhy.record import Decision, External, Provenance, Stated


def agreed_without_model(terms: Terms) -> Agreed:
    """Card and policy where no model brings its own: as given, else a card that knows nothing and the default policy.

    Raises:
        BadData: the policy names what the card doesn't know.
    """
    card, policy = terms.card or ProductCard(), terms.policy or load_policy()
    policy.check(card)
    return Agreed(card, policy, DEFAULT_ALPHA, None, ())


def external(detection: Detection) -> External:
    """Who detected, as it goes into the record."""
    return External(name=detection.detector, version=detection.version, kinds=detection.kinds, meaning=detection.meaning)


def provenance_without_model(detection: Detection, agreed: Agreed) -> Provenance:
    """What makes a record where there is no model of seewhy's."""
    return Provenance(
        model_sha256="",
        detector=detection.detector,
        weights=(),
        policy_name=agreed.policy.name,
        policy_version=agreed.policy.version,
        policy_sha256=agreed.policy.sha256,
        card_sha256=agreed.card.sha256,
        reference_sha256=None,
        device="cpu",
        versions=versions(),
        external=external(detection),
    )


def decision_of(detection: Detection) -> Decision:
    """What was said of the photo as a whole; what wasn't is missing, and nothing is computed in its place."""

    def stated(value: float | None) -> Stated[float]:
        return Stated(value=value, source="external", status="missing" if value is None else "supported", evidence=("photo",))

    return Decision(
        score=stated(detection.score),
        threshold=stated(detection.threshold),
        p_value=stated(detection.p_value),
        alpha=None,
        calibration=EXTERNAL,
        calibration_method=EXTERNAL,
        calibration_photos=0,
        calibration_needed=0,
        anomalous=bool(detection.regions),
    )
