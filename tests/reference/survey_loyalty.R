# Level means and the Wald test of a straight line over clusters within strata: survey (Lumley).
# Rscript tests/reference/survey_loyalty.R   writes tests/reference/survey_loyalty.json
library(survey)
library(jsonlite)

i <- 0:239
d <- data.frame(cluster = i %/% 2, level = 1 + (3 * i + (i * i) %/% 7) %% 5, w = 1 + (i %% 4) / 2)
d$stratum <- d$cluster %% 3
d$y <- 1 + 0.5 * d$level + 0.4 * (d$level > 3) + 1.2 * sin(i) + 0.5 * cos(d$cluster)
d$event <- as.numeric(sin(3 * i) + 0.3 * d$level > 1)
d$x <- cos(2 * i)
for (k in 2:4) d[[paste0("d", k)]] <- as.numeric(d$level == k)

design <- svydesign(ids = ~cluster, strata = ~stratum, weights = ~w, data = d)
means <- svyby(~y, ~level, design, svymean)
fit <- svyglm(y ~ level + d2 + d3 + d4, design)
test <- regTermTest(fit, ~ d2 + d3 + d4)
line <- svyglm(y ~ level, design)

plain <- svydesign(ids = ~cluster, weights = ~w, data = d)
d$band <- factor(ifelse(d$level < 3, "low", ifelse(d$level < 5, "middle", "high")), c("low", "middle", "high"))
plain <- update(plain, band = d$band)
logit <- svyglm(event ~ 0 + band + x, plain, family = quasibinomial())
standardized <- sapply(levels(d$band), function(b) {
  as_if <- transform(d, band = factor(b, levels(d$band)))
  weighted.mean(predict(logit, as_if, type = "response"), d$w)
})

write_json(
  list(
    r = R.version.string, survey = as.character(packageVersion("survey")),
    means = list(estimate = means$y, std_error = unname(SE(means))),
    wald = list(f = c(test$Ftest), df = test$df, ddf = test$ddf, p = c(test$p)),
    line = list(slope = unname(coef(line)["level"]), std_error = unname(SE(line)["level"])),
    logit = list(coefficients = unname(coef(logit)), std_error = unname(SE(logit)), standardized = unname(standardized))
  ),
  "tests/reference/survey_loyalty.json", digits = 10, auto_unbox = TRUE, pretty = TRUE
)
